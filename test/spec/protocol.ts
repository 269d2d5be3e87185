import { apiSteps } from "./api.ts";
import { check, type Specification, type Verdict } from "./checker.ts";
import { connectionSteps } from "./connection.ts";
import { deliverSteps, hasLostTheRow } from "./deliver.ts";
import { faultSteps } from "./faults.ts";
import { ingestSteps } from "./ingest.ts";
import { isWell, problemsOf, problemsOfStep } from "./invariants.ts";
import { notifySteps } from "./notify.ts";
import { initialState, type Scenario } from "./scenario.ts";
import type { Row, State, Step } from "./state.ts";
import { sweepSteps } from "./sweep.ts";

/** The whole protocol: every possible next step. */
function* stepsOf(state: State, scenario: Scenario): Generator<Step> {
  yield* ingestSteps(state, scenario);
  yield* notifySteps(state, scenario);
  yield* deliverSteps(state, scenario);
  yield* connectionSteps(state, scenario);
  yield* sweepSteps(state, scenario);
  yield* apiSteps(state, scenario);
  yield* faultSteps(state, scenario);
}

export function checkScenario(scenario: Scenario): Verdict {
  const specification: Specification<State> = {
    initial: initialState(scenario),
    steps: (state) => stepsOf(state, scenario),
    key: keyOf,
    problemsOf: (state) => problemsOf(state, scenario),
    problemsOfStep,
    isWell: (state) => isWell(state, scenario),
  };
  return check(specification);
}

/**
 * States that no rule can tell apart have the same key. They may differ in the names of the notifiers, in the order of
 * hints, and in the values of fences and leases. A fence or lease that was read is only compared with the row's. Once it
 * differs from the row's, it will never be equal again.
 */
function keyOf(state: State): string {
  const compared = (sessionId: string, read: Row): Row => {
    const row = state.cursors[sessionId];
    return { ...read, fence: Number(read.fence === row?.fence), lease: Number(read.lease === row?.lease) };
  };
  const rowsRead = (rows: readonly (readonly [string, Row])[]) =>
    rows.map(([sessionId, read]) => [sessionId, compared(sessionId, read)]);
  const sorted = (items: readonly object[]) => items.map((item) => JSON.stringify(item)).sort();
  const { sweeper, person } = state;
  const wished = person.wishes[0]?.session ?? "";
  return JSON.stringify([
    state.now,
    state.head,
    sorted(state.pages),
    state.counts,
    rowsRead(Object.entries(state.cursors)),
    rowsRead(Object.entries(state.staleCursors)),
    state.notifies,
    [...state.wakes].sort(),
    [...state.delayedWakes].sort(),
    state.ingests,
    sorted(
      state.notifiers.map(({ at, tail, parked }) => [
        at,
        at === "listCursors" ? tail : 0,
        parked.map(([sessionId, read]) => [sessionId, compared(sessionId, read).fence]),
      ]),
    ),
    sorted(
      state.deliverers.map((deliverer) => {
        const { name: _, row, ...rest } = deliverer;
        return hasLostTheRow(deliverer, state) ? [] : { ...rest, row: compared(rest.session, row) };
      }),
    ),
    state.loginsLeft,
    sorted(
      state.connections.map(({ name: _, row, ...rest }) => ({ ...rest, row: compared(rest.session, row) })),
    ),
    sweeper && { ...sweeper, cursors: rowsRead(sweeper.cursors) },
    { ...person, row: person.row && compared(wished, person.row) },
    state.faults,
    state.given,
    state.received,
  ]);
}
