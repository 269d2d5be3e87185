import {
  advance,
  type CursorGroup,
  isTakeable,
  needsTurn,
  park,
  take,
} from "../../../shared/groups/group.ts";
import { fail, type GroupCursor, pass } from "../../../shared/groups/groupCursor.ts";
import { mergeRefused } from "../../../shared/groups/mergeRefused.ts";
import { waitsForWrite } from "../../../shared/groups/permission.ts";
import { batchOf, begins, idle, mapCursors, receive } from "./begin.ts";
import { lateSteps } from "./late.ts";
import {
  type Deliverer,
  FUTURE,
  freeName,
  HOLD,
  NOW,
  type Request,
  replace,
  type State,
  type Step,
  spend,
  withCursor,
} from "./state.ts";
import type { GroupScenario } from "./variants.ts";
import { type Written, write } from "./writes.ts";

/** One turn of a group. It serves the group's sessions side by side, each at its own pace. */
export function* deliverSteps(state: State, scenario: GroupScenario): Generator<Step> {
  if (state.wakes > 0 && state.deliverers.length < scenario.deliverers) yield receivesWake(state, scenario);
  for (const deliverer of state.deliverers)
    for (const step of new Turn(deliverer, state, scenario).steps())
      yield { ...step, name: `${deliverer.name} ${step.name}` };
}

function receivesWake(state: State, { variant }: GroupScenario): Step {
  const name = freeName(state.deliverers, "deliver");
  const rest = { ...state, wakes: state.wakes - 1 };
  const { group } = state;
  const isFree =
    group !== null &&
    isTakeable(group, NOW) &&
    !(group.state === "active" && variant === "a lease that never expires");
  if (!isFree) return { name: `${name} gets a wake and drops it: the group is ${group?.state}`, state: rest };
  const deliverer: Deliverer = {
    name,
    token: String(state.nextToken),
    at: "plan",
    base: group,
    mine: group,
    tail: 0,
    isOver: false,
    requests: {},
    failed: [],
    owed: [],
  };
  return {
    name: `${name} gets a wake and reads the group: ${group.state}`,
    state: { ...rest, nextToken: state.nextToken + 1, deliverers: [...state.deliverers, deliverer] },
  };
}

class Turn {
  readonly #deliverer: Deliverer;
  readonly #state: State;
  readonly #scenario: GroupScenario;

  constructor(deliverer: Deliverer, state: State, scenario: GroupScenario) {
    this.#deliverer = deliverer;
    this.#state = state;
    this.#scenario = scenario;
  }

  *steps(): Generator<Step> {
    const { at, owed } = this.#deliverer;
    const [session, ...others] = owed;
    if (session !== undefined) {
      const delayedWakes = [...this.#state.delayedWakes, session];
      yield {
        name: `sends a delayed wake for ${session}`,
        state: this.#becomes({ owed: others }, { ...this.#state, delayedWakes }),
      };
    } else if (at === "plan") yield this.#plan();
    else if (at === "take") yield* this.#take();
    else if (at === "hold") yield* this.#hold();
    else if (at === "sendWake") yield this.#sendWake();
    else yield* lateSteps(this.#deliverer, this.#state, this.#scenario);
  }

  #becomes(change: Partial<Deliverer>, from: State = this.#state): State {
    const by = { ...this.#deliverer, ...change };
    return { ...from, deliverers: replace(from.deliverers, by.name, by) };
  }

  #ends(from: State = this.#state): State {
    return { ...from, deliverers: replace(from.deliverers, this.#deliverer.name) };
  }

  #begins(change: Partial<Deliverer>, from: State = this.#state): State {
    return begins({ ...this.#deliverer, ...change }, from, this.#scenario);
  }

  #plan(): Step {
    const { base } = this.#deliverer;
    const { tail } = this.#state;
    const isDone = !needsTurn(base, tail, NOW) && base.state === "parked";
    const name = `reads the tail: ${tail}${isDone ? ", nobody has work" : ""}`;
    return { name, state: isDone ? this.#ends() : this.#becomes({ at: "take", tail }) };
  }

  *#take(): Generator<Step> {
    const { base, token, tail } = this.#deliverer;
    const { variant } = this.#scenario;
    const change = take(base, token, { tail, ...HOLD });
    const taken =
      variant === "a dead holder's plan is extended"
        ? { ...change, cursors: mapCursors(change, (cursor) => ({ ...cursor, limit: undefined })) }
        : change;
    for (const written of write(this.#state, this.#scenario, "take", base, taken)) {
      const { row, note, state } = written;
      const name = `takes the group${note}`;
      if (row === null) yield { name, state: this.#ends(state) };
      else if (written.isWritten || this.#isOwnTake(row))
        yield { name, state: this.#begins({ at: "hold", base: row, mine: row }, state) };
      else if (isTakeable(row, NOW))
        yield { name, state: this.#becomes({ at: "plan", base: row, mine: row }, state) };
      else yield { name, state: this.#ends(state) };
    }
  }

  /** A take whose answer was lost: the SDK's retry finds the turn's own token. */
  #isOwnTake(row: CursorGroup): boolean {
    const { token, base } = this.#deliverer;
    if (this.#scenario.variant === "a take is recognised by its fence")
      return row.state === "active" && row.fence === base.fence + 1;
    return this.#isMine(row) && row.state === "active" && row.holder === token;
  }

  #isMine(row: CursorGroup | null): row is CursorGroup {
    if (row === null) return false;
    if (this.#scenario.variant === "a take is recognised by its fence")
      return row.fence === this.#deliverer.base.fence;
    return row.holder === this.#deliverer.token;
  }

  *#hold(): Generator<Step> {
    const { requests, isOver } = this.#deliverer;
    for (const [session, request] of Object.entries(requests)) yield* this.#answers(session, request);
    const mayBegin = idle(this.#deliverer).some(
      ([session]) => batchOf(this.#deliverer, session, this.#scenario) !== undefined,
    );
    if (!isOver && mayBegin) yield this.#look();
    if (!isOver && this.#needsAdvance()) yield* this.#advance();
    const isDone = Object.keys(requests).length === 0 && (isOver || !mayBegin);
    const isHandedOn = isOver && this.#scenario.variant !== "a hung request holds the group";
    if (isDone || isHandedOn) yield* this.#park();
  }

  *#answers(session: string, request: Request): Generator<Step> {
    const { mine, requests, failed } = this.#deliverer;
    const { hung, variant } = this.#scenario;
    if (hung.includes(session)) return;
    const { [session]: _, ...others } = requests;
    const name = `${session} answers ${request.first}-${request.last}: `;
    const accepted = (cursor: GroupCursor): GroupCursor => {
      const passed = pass(cursor, { ...request, sentLast: request.last }, NOW);
      const isBeyond = passed.limit !== undefined && passed.next > passed.limit;
      return variant === "a limit passed without a write" && isBeyond
        ? { ...passed, limit: undefined }
        : passed;
    };
    yield {
      name: `${name}accepted`,
      state: this.#becomes(
        { requests: others, mine: withCursor(mine, session, accepted) },
        receive(this.#state, session, request),
      ),
    };
    if (this.#state.faults.refusal > 0)
      yield {
        name: `${name}refused`,
        state: this.#becomes(
          {
            requests: others,
            mine: withCursor(mine, session, (cursor) =>
              fail(cursor, { dueAtEpochMillis: FUTURE, nowEpochMillis: NOW }),
            ),
            failed: [...failed, session],
          },
          spend(this.#state, "refusal"),
        ),
      };
  }

  /** Before each batch that no write precedes, the turn looks whether the row is as it knows it. */
  #look(): Step {
    const { base } = this.#deliverer;
    const { group } = this.#state;
    if (this.#scenario.variant === "batches begun without a look at the row")
      return { name: "begins the next batches", state: this.#begins({}) };
    const name = "looks at the row";
    if (!this.#isMine(group) || group.state !== "active")
      return { name: `${name}: it is lost`, state: this.#ends() };
    if (group.version === base.version) return { name, state: this.#begins({}) };
    return { name: `${name} and merges`, state: this.#begins(this.#merged(group)) };
  }

  #merged(row: CursorGroup): Partial<Deliverer> {
    const { base, mine, requests, failed } = this.#deliverer;
    const keepsAll = this.#scenario.variant === "progress kept over a seek";
    const aged = (group: CursorGroup): CursorGroup => ({
      ...group,
      cursors: mapCursors(group, (cursor, session) => ({
        ...cursor,
        generation: row.cursors[session]?.generation ?? cursor.generation,
      })),
    });
    const merged = keepsAll ? mergeRefused(aged(base), aged(mine), row) : mergeRefused(base, mine, row);
    const isCurrent = ([session, { generation }]: [string, Request]) => {
      const cursor = row.cursors[session];
      return cursor !== undefined && (keepsAll || cursor.generation === generation);
    };
    return {
      base: row,
      mine: merged,
      requests: Object.fromEntries(Object.entries(requests).filter(isCurrent)),
      failed: failed.filter((session) => merged.cursors[session]?.dueAtEpochMillis !== undefined),
    };
  }

  #needsAdvance(): boolean {
    const { mine, base, failed, requests } = this.#deliverer;
    if (failed.length > 0 || mine.planned !== base.planned) return true;
    return Object.entries(mine.cursors).some(
      ([session, cursor]) =>
        requests[session] === undefined && waitsForWrite(cursor, mine.planned, this.#state.tail, NOW),
    );
  }

  *#advance(): Generator<Step> {
    const { mine, base } = this.#deliverer;
    const { tail } = this.#state;
    if (this.#scenario.variant === "planned written after sending" && mine.planned !== tail) {
      yield {
        name: `begins batches up to ${tail}`,
        state: this.#begins({ mine: { ...mine, planned: tail } }),
      };
      return;
    }
    const change = advance(this.#toWrite(), { tail, ...HOLD });
    for (const written of write(this.#state, this.#scenario, "turn", base, change)) {
      const name = `writes the progress and plans up to ${tail}${written.note}`;
      const { row, state } = written;
      if (written.isWritten && row !== null)
        yield { name, state: this.#begins({ base: row, mine: row, ...this.#owes() }, state) };
      else yield this.#refused(name, written);
    }
  }

  /** The turn's row. It names the end of each batch in flight. */
  #toWrite(): CursorGroup {
    const { mine, requests } = this.#deliverer;
    if (this.#scenario.variant !== "the end of a batch in flight is not written") return mine;
    return {
      ...mine,
      cursors: mapCursors(mine, (cursor, session) =>
        requests[session] === undefined ? cursor : { ...cursor, batchLast: undefined },
      ),
    };
  }

  #owes(): Partial<Deliverer> {
    return { failed: [], owed: this.#deliverer.failed };
  }

  /** The turn goes on if it still holds the row: a person or a late request has changed a cursor. */
  #refused(name: string, { row, state }: Written): Step {
    if (!this.#isMine(row) || row.state !== "active")
      return { name: `${name}: it is lost`, state: this.#ends(state) };
    return { name: `${name} and merges`, state: this.#becomes(this.#merged(row), state) };
  }

  *#park(): Generator<Step> {
    const { base, requests, isOver } = this.#deliverer;
    const { variant } = this.#scenario;
    const isNoted = variant !== "a group handed on without its requests";
    const underWay = new Map(isNoted ? Object.keys(requests).map((session) => [session, FUTURE]) : []);
    const change = park(this.#toWrite(), underWay, NOW);
    const noted = Object.fromEntries(
      Object.entries(requests).map(([session, request]) => [
        session,
        { ...request, number: change.cursors?.[session]?.requests ?? 0 },
      ]),
    );
    const then: Partial<Deliverer> = { at: isOver ? "sendWake" : "plan", requests: noted, ...this.#owes() };
    for (const written of write(this.#state, this.#scenario, "turn", base, change)) {
      const { row, state } = written;
      const name = `${isOver ? "hands the group on" : "parks the group"}${written.note}`;
      const isOwn =
        written.isWritten ||
        (this.#isMine(row) &&
          row.state !== "active" &&
          variant !== "a park whose answer is lost ends the turn");
      if (row === null || !isOwn) yield this.#refused(name, written);
      else if (variant === "park without second read" && !isOver) yield { name, state: this.#ends(state) };
      else yield { name, state: this.#becomes({ ...then, base: row, mine: row }, state) };
    }
  }

  #sendWake(): Step {
    const { requests } = this.#deliverer;
    const woken = { ...this.#state, wakes: this.#state.wakes + 1 };
    return {
      name: "sends a wake",
      state: Object.keys(requests).length === 0 ? this.#ends(woken) : this.#becomes({ at: "late" }, woken),
    };
  }
}
