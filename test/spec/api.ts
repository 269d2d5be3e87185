import { segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld } from "../../shared/queue/tail.ts";
import { type CursorChange, pause, resume, seek } from "../../shared/sessions/cursor.ts";
import { isWokenByQueue } from "../../shared/sessions/wake.ts";
import { cursorOf, mayWrite, move, write } from "./cursors.ts";
import type { Scenario } from "./scenario.ts";
import { type Person, type Row, type State, type Step, tailOf, type Wish } from "./state.ts";

/** Specifies functions/api/sessions.ts: subscribe, seek, pause, resume, remove. Each reads, then writes conditionally. */
export function* apiSteps(state: State, scenario: Scenario): Generator<Step> {
  const [wish] = state.person.wishes;
  if (wish === undefined) return;
  for (const step of stepsOf(wish, state, scenario))
    yield { ...step, name: `api (${wish.action} ${wish.session}) ${step.name}` };
}

function* stepsOf(wish: Wish, state: State, scenario: Scenario): Generator<Step> {
  const { person } = state;
  const { session } = wish;
  const becomes = (change: Partial<Person>, from: State = state): State => ({
    ...from,
    person: { ...person, ...change },
  });
  const done = (from: State = state): State =>
    becomes({ wishes: person.wishes.slice(1), at: "read", tail: 0, headSegment: 0, row: null }, from);

  switch (person.at) {
    case "read": {
      const row = state.cursors[session] ?? null;
      if (row === null && wish.action !== "subscribe") yield { name: "finds no session", state: done() };
      else
        yield {
          name: "reads the tail and the row",
          state: becomes({ at: "write", row, tail: tailOf(state), headSegment: state.head.headSegment }),
        };
      return;
    }
    case "write": {
      const next =
        wish.to === "head"
          ? firstHeld({ headSegment: person.headSegment, segmentSize: scenario.segmentSize })
          : person.tail + 1;
      const segment = segmentOf(next, scenario.segmentSize);
      const moves = wish.action === "subscribe" || wish.action === "seek";
      // The transaction also checks that the segment is held: `headSegment <= segment`.
      const isHeld =
        state.head.headSegment <= segment || scenario.variant === "subscribe without a check of the head";
      if (moves && !isHeld) {
        yield { name: `is refused at ${next}: the segment is freed`, state: becomes({ at: "read" }) };
        return;
      }
      const received = { ...state.received, [session]: next - 1 };
      if (wish.action === "subscribe") {
        const counts = move(state.counts, null, segment) ?? [];
        const cursors = { ...state.cursors, [session]: born(next, segment) };
        yield {
          name: `creates the row at ${next}`,
          state: becomes({ at: "sendWake" }, { ...state, counts, cursors, received }),
        };
        return;
      }
      const { row } = person;
      if (row === null) return;
      if (wish.action === "remove") {
        yield* removeSteps(row, session, state, scenario, done, becomes({ at: "read" }));
        return;
      }
      const change = changeOf(wish.action, row, next, scenario);
      for (const written of write(state, scenario, session, row, change)) {
        const after = moves && written.row ? { ...written.state, received } : written.state;
        const isParked = written.row?.state === "parked";
        yield {
          name: `writes${moves ? ` ${next}` : ""}${written.note}`,
          state:
            written.row === null
              ? becomes({ at: "read" }, after)
              : isParked
                ? becomes({ at: "sendWake" }, after)
                : done(after),
        };
      }
      return;
    }
    case "sendWake":
      if (!isWokenByQueue(cursorOf(person.row ?? born(1, 0), scenario)))
        yield { name: "wakes nobody: an AMI user", state: done() };
      else yield { name: "sends a wake", state: done({ ...state, wakes: [...state.wakes, session] }) };
  }
}

function changeOf(
  action: "seek" | "pause" | "resume",
  row: Row,
  next: number,
  scenario: Scenario,
): CursorChange {
  const cursor = cursorOf(row, scenario);
  switch (action) {
    case "seek":
      return seek(cursor, next, 0);
    case "pause":
      return pause(cursor, 0);
    case "resume":
      return resume(cursor, 0);
  }
}

/** One transaction deletes the row and removes its reference. */
function* removeSteps(
  read: Row,
  sessionId: string,
  state: State,
  scenario: Scenario,
  done: (from: State) => State,
  again: State,
): Generator<Step> {
  const counts = move(state.counts, read.segment, null);
  if (counts === null || !mayWrite(state.cursors[sessionId], read, {}, scenario))
    yield { name: "is refused: the row is not as it was read", state: again };
  else {
    const { [sessionId]: _, ...cursors } = state.cursors;
    yield { name: "removes the row", state: done({ ...state, counts, cursors }) };
  }
}

function born(next: number, segment: number): Row {
  return { state: "parked", next, segment, fence: 1, lease: 0, leaseExpired: false, isDue: false };
}
