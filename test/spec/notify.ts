import { isToBeWoken } from "../../functions/notify/notify.ts";
import { signal } from "../../shared/sessions/cursor.ts";
import { cursorOf, write } from "./cursors.ts";
import type { Scenario } from "./scenario.ts";
import { freeName, type Notifier, type Row, replace, type State, type Step, tailOf } from "./state.ts";

/** Specifies functions/notify/notify.ts and shared/sessions/wake.ts. */
export function* notifySteps(state: State, scenario: Scenario): Generator<Step> {
  if (state.notifies > 0 && state.notifiers.length < scenario.notifiers) {
    const name = freeName(state.notifiers, "notify");
    const notifier: Notifier = { name, at: "listCursors", tail: tailOf(state), parked: [] };
    yield {
      name: `${name} gets a hint and reads the tail: ${notifier.tail}`,
      state: { ...state, notifies: state.notifies - 1, notifiers: [...state.notifiers, notifier] },
    };
  }
  for (const notifier of state.notifiers)
    for (const step of stepsOf(notifier, state, scenario))
      yield { ...step, name: `${notifier.name} ${step.name}` };
}

function* stepsOf(notifier: Notifier, state: State, scenario: Scenario): Generator<Step> {
  const becomes = (change: Partial<Notifier>, from: State = state): State => ({
    ...from,
    notifiers: replace(from.notifiers, notifier.name, { ...notifier, ...change }),
  });
  const ended = (from: State = state): State => ({
    ...from,
    notifiers: replace(from.notifiers, notifier.name),
  });
  const marksFirst = scenario.variant === "mark before wake";

  switch (notifier.at) {
    case "listCursors": {
      const reads = [state.cursors];
      if (scenario.variant === "notify with stale reads")
        reads.push({ ...state.cursors, ...state.staleCursors });
      for (const rows of reads) {
        const tail = { next: notifier.tail + 1, segmentSize: scenario.segmentSize };
        const parked = Object.entries(rows).filter(([, row]) =>
          isToBeWoken(cursorOf(row, scenario), tail, undefined),
        );
        const name = `lists the cursors, of which it will wake ${parked.length}`;
        const at = marksFirst ? "markSignalled" : "sendWakes";
        yield { name, state: parked.length === 0 ? ended() : becomes({ at, parked }) };
      }
      return;
    }
    case "sendWakes": {
      const wakes = [...state.wakes, ...notifier.parked.map(([session]) => session)];
      const sent = { ...state, wakes };
      yield {
        name: "sends the wakes",
        state: marksFirst ? ended(sent) : becomes({ at: "markSignalled" }, sent),
      };
      return;
    }
    case "markSignalled": {
      for (const { state: marked, names } of mark(state, scenario, notifier.parked))
        yield {
          name: `marks ${names}`,
          state: marksFirst ? becomes({ at: "sendWakes" }, marked) : ended(marked),
        };
    }
  }
}

/** The marks of one notifier or sweep: one write per row, independent of each other. */
export function* mark(
  state: State,
  scenario: Scenario,
  parked: readonly (readonly [sessionId: string, read: Row])[],
): Generator<{ state: State; names: string }> {
  const [first, ...others] = parked;
  if (first === undefined) return yield { state, names: "" };
  const [sessionId, read] = first;
  for (const written of write(state, scenario, sessionId, read, signal(0)))
    for (const rest of mark(written.state, scenario, others))
      yield { state: rest.state, names: `${sessionId}${written.note} ${rest.names}` };
}
