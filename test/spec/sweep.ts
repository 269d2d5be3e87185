import { isCountedBehind } from "../../functions/sweep/cross.ts";
import { isGraceOver } from "../../functions/sweep/free.ts";
import { needsWake } from "../../functions/sweep/needsWake.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { tailSegment } from "../../shared/queue/tail.ts";
import { evict } from "../../shared/sessions/cursor.ts";
import { isWokenByQueue } from "../../shared/sessions/wake.ts";
import { cursorOf, timeOf, write } from "./cursors.ts";
import { mark } from "./notify.ts";
import type { Scenario } from "./scenario.ts";
import {
  lastPageOf,
  type Page,
  type Row,
  type State,
  type Step,
  type Sweeper,
  spend,
  tailOf,
} from "./state.ts";

/** Specifies functions/sweep/: the tail hint, retention, late crossings, lost hints, and freeing. */
export function* sweepSteps(state: State, scenario: Scenario): Generator<Step> {
  const { sweeper } = state;
  if (sweeper !== null)
    for (const step of stepsOf(sweeper, state, scenario)) yield { ...step, name: `sweep ${step.name}` };
  else if (mayBegin(state, scenario)) {
    const tail = tailOf(state);
    const begun: Sweeper = {
      at: state.faults.eviction > 0 ? "evict" : "cross",
      tail,
      head: state.head,
      cursors: Object.entries(state.cursors),
      countsRead: null,
    };
    const head = { ...state.head, tailHint: tail };
    const faults = isAtRest(state) ? state.faults : spend(state.faults, "earlySweep");
    if (hasWork(begun, state, scenario) || tail > state.head.tailHint)
      yield {
        name: "sweep reads the tail and the cursors, and moves the tail hint",
        state: { ...state, head, faults, sweeper: begun },
      };
  }
}

function mayBegin(state: State, { sweep, variant }: Scenario): boolean {
  if (sweep === "off" || variant === "sweep off while hints are lost") return false;
  return state.faults.earlySweep > 0 || isAtRest(state);
}

/** No function runs and no hint is in flight. */
export function isAtRest(state: State): boolean {
  return (
    state.notifies + state.wakes.length + state.delayedWakes.length === 0 &&
    state.notifiers.length + state.deliverers.length + state.connections.length === 0 &&
    state.person.wishes.length === 0 &&
    state.sweeper === null &&
    state.ingests.every(({ at, events }) => at === "rest" && events.length === 0)
  );
}

/** A sweep without work changes nothing, so the search leaves it out. */
function hasWork(sweeper: Sweeper, state: State, scenario: Scenario): boolean {
  return (
    state.faults.eviction > 0 ||
    sweeper.cursors.some(
      ([, row]) => isHintLost(row, sweeper.tail, scenario) || needsCrossing(row, scenario),
    ) ||
    (isFreeable(sweeper, state, scenario) && (state.counts[sweeper.head.headSegment] ?? 0) === 0) ||
    state.head.clearedSegment < state.head.headSegment
  );
}

function needsCrossing(row: Row, scenario: Scenario): boolean {
  return isCountedBehind(cursorOf(row, scenario));
}

/** The hint grace is over for every row: its length affects cost, not safety. */
function isHintLost(row: Row, tail: number, scenario: Scenario): boolean {
  const cursor = cursorOf(row, scenario);
  if (!isWokenByQueue(cursor)) return false;
  return needsWake(cursor, { next: tail + 1, lastAppendedAtEpochMillis: 0 }, timeOf(row), 0);
}

/** Whether the head's segment is below the tail's and was closed longer ago than the grace. */
function isFreeable(
  { head, tail }: Sweeper,
  state: State,
  { segmentSize, times, variant }: Scenario,
): boolean {
  const segment = head.headSegment;
  if (segment >= tailSegment({ next: tail + 1, segmentSize })) return false;
  if (variant === "free without grace") return true;
  const last = lastPageOf(state, segment, segmentSize);
  return isGraceOver(last && { appendedAtEpochMillis: last.appendedAt }, state.now, times.freeGrace);
}

function* stepsOf(sweeper: Sweeper, state: State, scenario: Scenario): Generator<Step> {
  const { segmentSize, variant } = scenario;
  const becomes = (change: Partial<Sweeper>, others: Partial<State> = {}): State => ({
    ...state,
    ...others,
    sweeper: { ...sweeper, ...change },
  });
  const { headSegment } = sweeper.head;

  switch (sweeper.at) {
    case "evict": {
      yield { name: "evicts nobody", state: becomes({ at: "cross" }) };
      if (state.faults.eviction === 0) return;
      const faults = spend(state.faults, "eviction");
      for (const [session, read] of sweeper.cursors.filter(([, { next }]) => next <= sweeper.tail)) {
        const floor = read.next + 1;
        const change = evict(cursorOf(read, scenario), floor, 0);
        for (const written of write({ ...state, faults }, scenario, session, read, change)) {
          const { row, state: after } = written;
          const received = Math.max(after.received[session] ?? 0, floor - 1);
          const others =
            row === null ? after : { ...after, received: { ...after.received, [session]: received } };
          const cursors = sweeper.cursors.map((each) =>
            each[0] === session && row ? ([session, row] as const) : each,
          );
          yield {
            name: `evicts ${session} to ${floor}${written.note}`,
            state: becomes({ at: "cross", cursors }, others),
          };
        }
      }
      return;
    }
    case "cross": {
      const late = sweeper.cursors.find(([, row]) => needsCrossing(row, scenario));
      if (late === undefined) {
        const toWake = sweeper.cursors.filter(([, row]) => isHintLost(row, sweeper.tail, scenario));
        yield {
          name: `finds ${toWake.length} to wake`,
          state: becomes({ cursors: toWake, at: toWake.length > 0 ? "sendWakes" : "moveHead" }),
        };
        return;
      }
      const [session, read] = late;
      const segment = segmentOf(read.next, segmentSize);
      for (const written of write(state, scenario, session, read, { segment, fence: read.fence + 1 }))
        yield {
          name: `crosses ${session}${written.note}`,
          state: becomes(
            {
              cursors: sweeper.cursors.map((each) =>
                each === late ? ([session, written.row ?? { ...read, segment }] as const) : each,
              ),
            },
            written.state,
          ),
        };
      return;
    }
    case "sendWakes": {
      const wakes = [...state.wakes, ...sweeper.cursors.map(([session]) => session)];
      yield { name: "sends the wakes", state: becomes({ at: "markSignalled" }, { wakes }) };
      return;
    }
    case "markSignalled": {
      const parked = sweeper.cursors.filter(([, row]) => row.state === "parked");
      for (const { state: marked, names } of mark(state, scenario, parked))
        yield {
          name: `marks ${names}`,
          state: { ...marked, sweeper: { ...sweeper, at: "moveHead", cursors: [] } },
        };
      return;
    }
    case "moveHead": {
      if (!isFreeable(sweeper, state, scenario)) {
        yield { name: "has nothing more to free", state: becomes({ at: "delete", cursors: [] }) };
        return;
      }
      const readsFirst = variant === "free with the counts checked before the transaction";
      if (readsFirst && sweeper.countsRead === null) {
        yield { name: "reads the counts", state: becomes({ countsRead: state.counts }) };
        return;
      }
      // The transaction checks that the head is as it was read and that every count is zero.
      const counts = sweeper.countsRead ?? state.counts;
      if (state.head.headSegment !== headSegment || (counts[headSegment] ?? 0) > 0)
        yield {
          name: `does not free segment ${headSegment}`,
          state: becomes({ at: "delete", countsRead: null }),
        };
      else
        yield {
          name: `frees segment ${headSegment}`,
          state: becomes(
            { head: { ...sweeper.head, headSegment: headSegment + 1 }, countsRead: null },
            { head: { ...state.head, headSegment: headSegment + 1 } },
          ),
        };
      return;
    }
    case "delete": {
      // Pages that are left to expire go days later, when nobody acts on what was read before.
      const isLeft = scenario.freeing === "expire";
      const freed = isLeft
        ? []
        : state.pages.filter(({ first }) => segmentOf(first, segmentSize) < headSegment);
      // Within one batch DynamoDB deletes in any order. So the last page of a segment is deleted after all the others:
      // a writer that still searches from the old head would take any other last page for the tail.
      const isLast = ({ first }: Page) => first % segmentSize === 0;
      const others = freed.filter((page) => !isLast(page));
      const mayGo = others.length === 0 || variant === "delete pages in any order" ? freed : others;
      for (const page of mayGo)
        yield {
          name: `deletes page ${page.first}`,
          state: { ...state, pages: state.pages.filter((each) => each !== page) },
        };
      if (freed.length === 0)
        yield {
          name: "ends",
          state: { ...state, head: { ...state.head, clearedSegment: headSegment }, sweeper: null },
        };
    }
  }
}
