import type { CursorGroup } from "../../../shared/groups/group.ts";
import { begin, type GroupCursor, isReady } from "../../../shared/groups/groupCursor.ts";
import { permittedEnd } from "../../../shared/groups/permission.ts";
import { type Batch, type Deliverer, NOW, type Request, replace, type State, withCursor } from "./state.ts";
import type { GroupScenario } from "./variants.ts";

/** Sessions of a turn that wait for nothing but messages and have no request under way. */
export function idle({ mine, requests }: Deliverer): [string, GroupCursor][] {
  return Object.entries(mine.cursors).filter(
    ([session, cursor]) => requests[session] === undefined && isReady(cursor, NOW),
  );
}

/** The batch that a session may begin. A page holds one message, so a batch ends at any number. */
export function batchOf(
  { mine }: Deliverer,
  session: string,
  { maxBatch }: GroupScenario,
): Batch | undefined {
  const cursor = mine.cursors[session];
  if (cursor === undefined) return undefined;
  const { next, batchLast } = cursor;
  const end = permittedEnd(cursor, mine.planned);
  if (end === undefined) return undefined;
  return { first: next, last: batchLast ?? Math.min(end, next + (maxBatch[session] ?? 1) - 1) };
}

/** Begins a batch for every session that may have one under the row as written. */
export function begins(deliverer: Deliverer, state: State, scenario: GroupScenario): State {
  let { mine, requests } = deliverer;
  let { begun, repeated } = state;
  for (const [session, { generation }] of idle(deliverer)) {
    const batch = batchOf(deliverer, session, scenario);
    if (batch === undefined) continue;
    mine = withCursor(mine, session, (each) => begin(each, batch));
    requests = { ...requests, [session]: { ...batch, generation, number: 0 } };
    const key = `${session} ${generation}`;
    const range = `${batch.first}-${batch.last}`;
    const before = begun[key] ?? [];
    if (!before.includes(range)) begun = { ...begun, [key]: [...before, range].sort() };
    else if (scenario.isOnce) repeated = `${session} ${range}`;
  }
  const by = { ...deliverer, mine, requests };
  return { ...state, begun, repeated, deliverers: replace(state.deliverers, by.name, by) };
}

/** A session's endpoint accepts a batch. Only what was sent since the last seek counts. */
export function receive(state: State, session: string, { first, last, generation }: Request): State {
  const had = state.received[session];
  const isCurrent = state.group?.cursors[session]?.generation === generation;
  if (!isCurrent || had === undefined || first > had + 1 || last <= had) return state;
  return { ...state, received: { ...state.received, [session]: last } };
}

export function mapCursors(
  { cursors = {} }: Partial<CursorGroup>,
  change: (cursor: GroupCursor, session: string) => GroupCursor,
): Record<string, GroupCursor> {
  return Object.fromEntries(
    Object.entries(cursors).map(([session, cursor]) => [session, change(cursor, session)]),
  );
}
