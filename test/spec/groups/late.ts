import { settle } from "../../../shared/groups/group.ts";
import { fail, type GroupCursor, pass } from "../../../shared/groups/groupCursor.ts";
import { receive } from "./begin.ts";
import {
  type Deliverer,
  FUTURE,
  NOW,
  type Request,
  replace,
  type State,
  type Step,
  spend,
  withCursor,
} from "./state.ts";
import type { GroupScenario } from "./variants.ts";
import { move } from "./writes.ts";

/**
 * A turn that has handed its group on waits for its last requests. Each outcome is read, changed and written until no
 * other write comes between, so it is one step here. Then comes a wake: the session may have more to read.
 */
export function* lateSteps(deliverer: Deliverer, state: State, scenario: GroupScenario): Generator<Step> {
  const { name, requests } = deliverer;
  const { hung, variant } = scenario;
  const becomes = (change: Partial<Deliverer>, from: State): State => ({
    ...from,
    deliverers: replace(from.deliverers, name, { ...deliverer, ...change }),
  });
  if (Object.keys(requests).length === 0)
    yield { name: "ends", state: { ...state, deliverers: replace(state.deliverers, name) } };
  for (const [session, request] of Object.entries(requests)) {
    if (hung.includes(session)) continue;
    const { [session]: _, ...others } = requests;
    const answers = `${session} answers ${request.first}-${request.last} late: `;
    const settled = (from: State, outcome: (cursor: GroupCursor) => GroupCursor) =>
      settledIn(from, session, request, outcome, scenario);
    const at = variant === "a late outcome wakes nobody" ? "late" : "sendWake";
    yield {
      name: `${answers}accepted`,
      state: becomes(
        { requests: others, at },
        settled(receive(state, session, request), (cursor) =>
          pass(
            variant === "a late outcome written whatever its number"
              ? { ...cursor, next: request.first }
              : cursor,
            { ...request, sentLast: request.last },
            NOW,
          ),
        ),
      ),
    };
    if (state.faults.refusal > 0)
      yield {
        name: `${answers}refused`,
        state: becomes(
          { requests: others, owed: [session] },
          settled(spend(state, "refusal"), (cursor) =>
            fail(cursor, { dueAtEpochMillis: FUTURE, nowEpochMillis: NOW }),
          ),
        ),
      };
  }
}

function settledIn(
  state: State,
  session: string,
  { generation, number }: Request,
  outcome: (cursor: GroupCursor) => GroupCursor,
  { variant }: GroupScenario,
): State {
  const { group } = state;
  const current = group?.cursors[session];
  if (group === null || current === undefined) return state;
  const change =
    variant === "a late outcome written whatever its number"
      ? settle(
          withCursor(group, session, (cursor) => ({ ...cursor, requestUntilEpochMillis: FUTURE })),
          [{ session, generation: current.generation, number: current.requests, change: outcome }],
        )
      : settle(group, [{ session, generation, number, change: outcome }]);
  if (change === undefined) return state;
  const settled = { ...group, ...change };
  return { ...state, group: settled, counts: move(state.counts, group.segment, settled.segment) };
}
