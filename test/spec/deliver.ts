import {
  advance,
  backOff,
  type CursorChange,
  isTakeable,
  park,
  progress,
  take,
} from "../../shared/sessions/cursor.ts";
import { isWokenByQueue } from "../../shared/sessions/wake.ts";
import { crossing, cursorOf, nextLease, timeOf, write } from "./cursors.ts";
import type { Scenario } from "./scenario.ts";
import { type Deliverer, freeName, type Row, replace, type State, type Step, spend } from "./state.ts";

const REFUSED = { reason: "http.status", detail: "", atEpochMillis: 0 };

/** Specifies shared/sessions/turn.ts: one turn of one session. */
export function* deliverSteps(state: State, scenario: Scenario): Generator<Step> {
  if (state.deliverers.length < scenario.deliverers)
    for (const session of new Set(state.wakes)) {
      const at = state.wakes.indexOf(session);
      const name = freeName(state.deliverers, "deliver");
      const rest = { ...state, wakes: state.wakes.toSpliced(at, 1) };
      const row = state.cursors[session];
      if (row === undefined || !mayTake(row, scenario))
        yield {
          name: `${name} gets a wake of ${session} and drops it: the row is ${row?.state}`,
          state: rest,
        };
      else
        yield {
          name: `${name} gets a wake of ${session} and reads the row: ${row.state} at ${row.next}`,
          state: {
            ...rest,
            deliverers: [
              ...state.deliverers,
              { name, session, at: "plan", row, next: row.next, hasBatch: false, isOver: false },
            ],
          },
        };
    }
  for (const deliverer of state.deliverers)
    for (const step of hasLostTheRow(deliverer, state)
      ? [loses(deliverer, state)]
      : stepsOf(deliverer, state, scenario))
      yield { ...step, name: `${deliverer.name} ${step.name}` };
}

/** The deliverer's next write will find another fence. A request in flight may still arrive before that. */
export function hasLostTheRow({ session, row, at }: Deliverer, { cursors }: State): boolean {
  return at !== "sendWake" && row.fence !== cursors[session]?.fence;
}

function loses({ name, session }: Deliverer, state: State): Step {
  return {
    name: `finds that another turn holds ${session}`,
    state: { ...state, deliverers: replace(state.deliverers, name) },
  };
}

function mayTake(row: Row, scenario: Scenario): boolean {
  if (row.state === "active" && scenario.variant === "lease never expires") return false;
  const cursor = cursorOf(row, scenario);
  return isWokenByQueue(cursor) && isTakeable(cursor, timeOf(row));
}

function* stepsOf(deliverer: Deliverer, state: State, scenario: Scenario): Generator<Step> {
  const { session, row, next } = deliverer;
  const becomes = (change: Partial<Deliverer>, from: State = state): State => ({
    ...from,
    deliverers: replace(from.deliverers, deliverer.name, { ...deliverer, ...change }),
  });
  const ended = (from: State = state): State => ({
    ...from,
    deliverers: replace(from.deliverers, deliverer.name),
  });
  /** A refused write ends the turn: another turn holds the session. */
  function* writes(what: string, change: CursorChange, then: Partial<Deliverer> | "end"): Generator<Step> {
    const all = { ...change, ...crossing(row, change.next ?? row.next, scenario) };
    for (const { row: written, state: after, note } of write(state, scenario, session, row, all, "stay"))
      yield {
        name: `${what}${note}`,
        state: written === null || then === "end" ? ended(after) : becomes({ row: written, ...then }, after),
      };
  }
  const advancesFirst = scenario.variant === "cursor advanced before the endpoint accepted";
  const cursor = cursorOf(row, scenario);
  const progressed = () => progress(cursor, { next, sentLast: next - 1, lane: "fast", nowEpochMillis: 0 });
  const isHeld = row.state === "active" && !row.leaseExpired;

  switch (deliverer.at) {
    case "plan": {
      const hasBatch = state.pages.some(({ first }) => first === next);
      const name = `reads the pages from ${next}: ${hasBatch ? "there is one" : "none"}`;
      if (isHeld && hasBatch)
        yield {
          name,
          state: becomes({ hasBatch, at: "advance", next: advancesFirst ? next + 1 : next }),
        };
      else if (isHeld) yield { name, state: becomes({ hasBatch, at: "park" }) };
      else if (!hasBatch && row.state === "parked") yield { name, state: ended() };
      else yield { name, state: becomes({ hasBatch, at: "take" }) };
      return;
    }
    case "take": {
      const begun: Partial<Deliverer> = advancesFirst ? { at: "advance", next: next + 1 } : { at: "post" };
      yield* writes(
        "takes the row",
        take(cursor, nextLease(row)),
        deliverer.hasBatch ? begun : { at: "park" },
      );
      return;
    }
    case "advance": {
      yield* writes(`advances to ${next}`, advance(progressed(), nextLease(row)), { at: "post" });
      return;
    }
    case "post": {
      const number = advancesFirst ? next - 1 : next;
      const name = `posts ${number}: `;
      const accepted: Partial<Deliverer> = { next: number + 1 };
      const after = receive(state, session, number);
      yield { name: `${name}accepted`, state: becomes({ ...accepted, at: "plan" }, after) };
      if (state.faults.turnOver > 0)
        yield {
          name: `${name}accepted, and the turn is over`,
          state: becomes(
            { ...accepted, at: "park", isOver: true },
            { ...after, faults: spend(state.faults, "turnOver") },
          ),
        };
      if (state.faults.turnOver > 0)
        yield {
          name: `${name}timed out in the fast lane`,
          state: becomes({ at: "park", isOver: true }, { ...state, faults: spend(state.faults, "turnOver") }),
        };
      if (state.faults.refusal > 0)
        yield {
          name: `${name}refused`,
          state: becomes({ at: "backOff" }, { ...state, faults: spend(state.faults, "refusal") }),
        };
      return;
    }
    case "park": {
      // A page appended before the row was marked parked had no session to wake, so the tail is read again.
      const then = scenario.variant === "park without second read" ? "end" : ({ at: "plan" } as const);
      yield* writes(`parks at ${next}`, park(progressed(), 0), deliverer.isOver ? { at: "sendWake" } : then);
      return;
    }
    case "backOff":
      yield* writes("backs off", backOff(progressed(), REFUSED, 0), { at: "sendWake" });
      return;
    case "sendWake": {
      const isDelayed = row.state === "backoff";
      yield {
        name: isDelayed ? "sends a delayed wake" : "sends a wake",
        state: ended({
          ...state,
          ...(isDelayed
            ? { delayedWakes: [...state.delayedWakes, session] }
            : { wakes: [...state.wakes, session] }),
        }),
      };
    }
  }
}

/** A subscriber gets a number, perhaps once more. */
export function receive(state: State, sessionId: string, number: number): State {
  if (number <= (state.received[sessionId] ?? 0)) return state;
  return { ...state, received: { ...state.received, [sessionId]: number } };
}
