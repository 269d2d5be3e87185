import { lastOfSegment, segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld } from "../../shared/queue/tail.ts";
import type { Scenario } from "./scenario.ts";
import { type Ingest, lastPageOf, replace, type State, type Step, spend } from "./state.ts";

/** Specifies functions/ingest/append.ts, and a writer's use of shared/queue/tail.ts. */
export function* ingestSteps(state: State, scenario: Scenario): Generator<Step> {
  for (const ingest of state.ingests)
    for (const step of stepsOf(ingest, state, scenario))
      yield { ...step, name: `${ingest.name} ${step.name}` };
}

function* stepsOf(ingest: Ingest, state: State, scenario: Scenario): Generator<Step> {
  const { segmentSize, times, variant } = scenario;
  const becomes = (change: Partial<Ingest>, others: Partial<State> = {}): State => ({
    ...state,
    ...others,
    ingests: replace(state.ingests, ingest.name, { ...ingest, ...change }),
  });
  const { page, search, tail } = ingest;
  const [event, ...later] = ingest.events;

  switch (ingest.at) {
    case "rest": {
      if (event === undefined) return;
      if (tail === null || state.now - tail.readAt > times.tailCache)
        yield {
          name: "reads the head",
          state: becomes({
            at: "readLastPage",
            search: {
              ...state.head,
              segment: Math.max(
                state.head.headSegment,
                segmentOf(Math.max(1, state.head.tailHint), segmentSize),
              ),
              next: 0,
              readAt: state.now,
            },
          }),
        };
      else
        yield {
          name: `plans ${event} at ${tail.next}`,
          state: becomes({
            at: "putPage",
            tail: null,
            page: { first: tail.next, event, appendedAt: state.now },
          }),
        };
      return;
    }
    case "readLastPage": {
      if (search === null) return;
      const last = lastPageOf(state, search.segment, segmentSize)?.first;
      const name = `reads the last page of segment ${search.segment}: ${last ?? "none"}`;
      const isFull = last === lastOfSegment(search.segment, segmentSize);
      if (last !== undefined && isFull) {
        yield {
          name,
          state: becomes({ search: { ...search, segment: search.segment + 1, next: last + 1 } }),
        };
        return;
      }
      const begin = Math.max(
        search.tailHint + 1,
        firstHeld({ headSegment: search.headSegment, segmentSize }),
      );
      const next = Math.max(begin, last === undefined ? search.next : last + 1);
      // Pages are missing: a segment may have been freed during the search, and then this is not the tail.
      const isMissing =
        last === undefined && variant !== "search of the tail without a second look at the head";
      yield {
        name,
        state: isMissing
          ? becomes({ at: "readHeadAgain", search: { ...search, next } })
          : becomes({ at: "rest", search: null, tail: { next, readAt: search.readAt } }),
      };
      return;
    }
    case "readHeadAgain": {
      if (search === null) return;
      const hasMoved = state.head.headSegment !== search.headSegment;
      const found = hasMoved ? null : { next: search.next, readAt: search.readAt };
      yield {
        name: `reads the head again: ${hasMoved ? "it has moved" : `the tail is ${search.next - 1}`}`,
        state: becomes({ at: "rest", search: null, tail: found }),
      };
      return;
    }
    case "putPage": {
      if (page === null) return;
      if (state.now - page.appendedAt > times.appendTimeout) {
        yield {
          name: "times out",
          state: becomes({ at: "rest", events: later, page: null }),
        };
        return;
      }
      const name = `puts ${page.event} at ${page.first}`;
      const done: Partial<Ingest> = {
        at: "sendNotify",
        events: later,
        page: null,
        tail: { next: page.first + 1, readAt: page.appendedAt },
      };
      const winner = state.pages.find(({ first }) => first === page.first);
      if (winner === undefined) {
        const written = {
          pages: [...state.pages, page],
          given: [...state.given, { number: page.first, event: page.event }],
        };
        yield { name, state: becomes(done, written) };
        if (state.faults.lostResponse > 0)
          yield {
            name: `${name}, the response is lost`,
            state: { ...state, ...written, faults: spend(state.faults, "lostResponse") },
          };
      } else if (winner.event === page.event && variant !== "append without recognising its own page")
        yield { name: `${name}: finds its own page`, state: becomes(done) };
      else yield { name: `${name}: taken`, state: becomes({ at: "rest", page: null }) };
      return;
    }
    case "sendNotify": {
      const notifies = scenario.notifiers > 0 ? state.notifies + 1 : 0;
      yield { name: "sends the notify", state: becomes({ at: "rest" }, { notifies }) };
    }
  }
}
