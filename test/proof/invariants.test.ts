import { describe, expect, it } from "vitest";
import { type Cursor, newCursor } from "../../shared/sessions/cursor.ts";
import { expectInvariants, violations } from "../support/invariants.ts";
import {
  acceptedAs,
  type Delivery,
  deliveryOf,
  eventText,
  type FeedRows,
  type Witnessed,
} from "../support/witnessed.ts";

/** Segments of four numbers: 1–4 are freed, 5–8 and 9–10 are held, and one session stands at the tail. */
const event = (number: number) => `event ${number}`;
const page = (first: number, last: number, segment = Math.floor((first - 1) / 4)) => ({
  first,
  segment,
  events: Array.from({ length: last - first + 1 }, (_, index) => event(first + index)),
});
const cursor: Cursor = newCursor({
  feed: "pbx",
  session: "s",
  next: 11,
  segmentSize: 4,
  interest: undefined,
  nowEpochMillis: 0,
});
const rows: FeedRows = {
  head: { feed: "pbx", segmentSize: 4, headSegment: 1, tailHint: 10, clearedSegment: 1 },
  pages: [page(5, 6), page(7, 8), page(9, 10)],
  cursors: [cursor],
  counts: new Map([[2, 1]]),
};
const batch = (first: number, last: number, previous = first - 1, id = `s-1-${first}-${last}`): Delivery => ({
  session: "s",
  id,
  previous,
  messages: page(first, last).events.map((text, index) => ({ sequence: first + index, event: text })),
});
const gap = (first: number, last: number, previous: number): Delivery => ({
  session: "s",
  id: `s-1-gap-${first}-${last}`,
  previous,
  messages: [{ sequence: last, event: "gap" }],
  gap: { first, last },
});
const session = { session: "s", start: 1, mustReachTail: true };
const witnessed: Witnessed = {
  accepted: [1, 2, 5, 10].map((number) => ({ event: event(number), sequence: number })),
  deliveries: [batch(1, 4), batch(5, 8), batch(9, 10)],
  sessions: [session],
  moves: [1, 5, 9, 11].map((next) => ({ session: "s", generation: 1, next })),
};

const of = (rowsChange: Partial<FeedRows>, witnessedChange: Partial<Witnessed> = {}) =>
  violations({ ...rows, ...rowsChange }, { ...witnessed, ...witnessedChange });
const ofDeliveries = (...deliveries: Delivery[]) => of({}, { deliveries });

describe("no violation is reported", () => {
  it("when every invariant holds", () => {
    expect(violations(rows, witnessed)).toEqual([]);
    expectInvariants(rows, witnessed);
  });

  it("for an accepted batch that was split between two pages, freed, and never delivered", () => {
    const moved = { deliveries: [batch(9, 10, 8)], moves: [], sessions: [{ ...session, start: 9 }] };
    const torn = acceptedAs(["a", "b"], { first: 2, last: 4 });
    expect(torn).toEqual([
      { event: "a", atLeast: 2, atMost: 3 },
      { event: "b", atLeast: 3, atMost: 4 },
    ]);
    expect(of({}, { ...moved, accepted: torn })).toEqual([]);
    expect(of({}, { ...moved, accepted: acceptedAs(["a", "b"], { first: null, last: null }) })).toEqual([]);
    expect(of({}, { ...moved, accepted: acceptedAs(["a", event(5)], { first: null, last: 5 }) })).toEqual([]);
  });

  it("for a batch that is redelivered unchanged, even late", () => {
    expect(ofDeliveries(batch(1, 4), batch(1, 4), batch(5, 8), batch(9, 10), batch(5, 8))).toEqual([]);
  });

  it("for a session that received a gap message", () => {
    expect(ofDeliveries(batch(1, 2), gap(3, 6, 2), batch(7, 10))).toEqual([]);
  });

  it("for messages that a session does not want", () => {
    const wants = (text: string) => /[05]$/.test(text);
    const deliveries = [
      { ...batch(5, 5, 0), id: "s-1-1-8" },
      { ...batch(10, 10, 5), id: "s-1-9-10" },
    ];
    expect(of({}, { deliveries, sessions: [{ ...session, wants }] })).toEqual([]);
  });

  it("for a person's seek, which begins a new generation", () => {
    const deliveries = [batch(1, 4), batch(5, 8), batch(5, 8, 4, "s-2-5-8"), batch(9, 10, 8, "s-2-9-10")];
    const moves = [...(witnessed.moves ?? []), { session: "s", generation: 2, next: 5 }];
    expect(of({}, { deliveries, moves })).toEqual([]);
  });

  it("for a paused session that is behind", () => {
    expect(of({}, { deliveries: [batch(1, 4)], sessions: [{ ...session, mustReachTail: false }] })).toEqual(
      [],
    );
  });
});

describe("it is reported that", () => {
  it.each<[string, readonly string[], string]>([
    [
      "an accepted event is not in the queue",
      of({}, { accepted: [{ event: "lost" }] }),
      "lost was accepted but is not in the queue",
    ],
    [
      "an event of a torn batch is not in the queue, although its number cannot be freed",
      of({}, { accepted: acceptedAs([event(5), "lost"], { first: 5, last: 7 }) }),
      "lost was accepted but is not in the queue",
    ],
    [
      "an event of a torn batch has a number that it cannot have",
      of({}, { accepted: acceptedAs([event(5), event(9)], { first: 5, last: 7 }) }),
      "event 9 was accepted as 6 to 7 but is 9",
    ],
    [
      "an event is in the queue twice",
      of(
        { pages: [page(5, 6), page(7, 8), { ...page(9, 10), events: [event(9), event(5)] }] },
        { deliveries: [] },
      ),
      "event 5 is in the queue twice: as 5 and 10",
    ],
    [
      "a number was assigned twice",
      ofDeliveries(batch(1, 4), batch(5, 8), {
        ...batch(9, 10),
        messages: [
          { sequence: 9, event: "x" },
          { sequence: 10, event: event(10) },
        ],
      }),
      "number 9 was assigned twice: event 9 and x",
    ],
    [
      "a producer got a wrong number",
      of({}, { accepted: [{ event: event(6), sequence: 7 }] }),
      "event 6 was accepted as 7 but is 6",
    ],
    ["a page is missing", of({ pages: [page(5, 6), page(9, 10)] }), "the pages of 7 to 8 are missing"],
    [
      "the head's page is missing",
      of({ pages: [page(7, 8), page(9, 10)] }),
      "the pages of 5 to 6 are missing",
    ],
    [
      "two pages hold one number",
      of({ pages: [page(5, 7), page(7, 8), page(9, 10)] }),
      "page 7 holds numbers of the page before it",
    ],
    [
      "a page is left below the head",
      of({ pages: [page(3, 4), ...rows.pages] }),
      "page 3 is left below the head",
    ],
    [
      "a count has no cursor",
      of({ counts: new Map([[2, 2]]) }),
      "segment 2 counts 2 references of 1 cursors",
    ],
    ["a cursor is not counted", of({ counts: new Map() }), "segment 2 counts 0 references of 1 cursors"],
    [
      "a cursor stands in a freed segment",
      of({ cursors: [{ ...cursor, segment: 0 }], counts: new Map([[0, 1]]) }),
      "s is counted in segment 0, which is freed",
    ],
    [
      "a cursor is counted beyond its segment",
      of({ cursors: [{ ...cursor, next: 8 }] }),
      "s stands at 8 but is counted beyond it, in segment 2",
    ],
    [
      "a cursor stands beyond the tail",
      of({ cursors: [{ ...cursor, next: 12 }] }),
      "s stands at 12, beyond the tail 10",
    ],
    [
      "a cursor moved back",
      of(
        {},
        {
          moves: [
            { session: "s", generation: 1, next: 9 },
            { session: "s", generation: 1, next: 5 },
          ],
        },
      ),
      "s moved back from 9 to 5",
    ],
    [
      "messages were skipped",
      ofDeliveries(batch(1, 4), batch(7, 10)),
      "s: batch s-1-7-10 brought 7-10 where 5-10 was next",
    ],
    [
      "the numbers in the request hide the skipped messages",
      ofDeliveries(batch(1, 4), batch(7, 10)),
      "s: batch s-1-7-10 claims to follow 6, but follows 4",
    ],
    [
      "the first messages were skipped",
      ofDeliveries(batch(5, 8), batch(9, 10)),
      "s: batch s-1-5-8 brought 5-8 where 1-8 was next",
    ],
    ["the last messages never arrived", ofDeliveries(batch(1, 4), batch(5, 8)), "s: never got 9-10 of 10"],
    [
      "batches arrived out of order",
      ofDeliveries(batch(5, 8), batch(1, 4), batch(9, 10)),
      "s: batch s-1-1-4 brought 1-4 where nothing was next",
    ],
    [
      "messages were redelivered in another batch",
      ofDeliveries(batch(1, 4), batch(3, 8, 4), batch(9, 10)),
      "s: batch s-1-3-8 brought 3-8 where 5-8 was next",
    ],
    [
      "a batch was redelivered with other messages",
      ofDeliveries(batch(1, 4), { ...batch(1, 3), id: "s-1-1-4" }, batch(5, 8), batch(9, 10)),
      "s got batch s-1-1-4 again with other messages",
    ],
    [
      "a gap covers fewer messages than are missing",
      ofDeliveries(batch(1, 2), gap(5, 6, 2), batch(7, 10)),
      "s: batch s-1-gap-5-6 brought nothing where 3-4 was next",
    ],
  ])("%s", (_what, found, expected) => {
    expect(found).toContain(expected);
  });
});

describe("what a PBX handed over", () => {
  const gapOf = (facts: object = {}) =>
    eventText({
      type: "RelayGap",
      reason: "link",
      gap: "g",
      from: FROM,
      to: TO,
      epochAfter: "one",
      ...facts,
    });
  const FROM = "2026-11-27T08:00:00.000Z";
  const TO = "2026-11-27T08:00:09.000Z";
  const judged = (queue: readonly string[], handedOver: readonly string[], lastEpoch = "one") =>
    violations(
      {
        head: { ...rows.head, headSegment: 0 },
        pages: [{ first: 1, segment: 0, events: queue }],
        cursors: [],
        counts: new Map(),
      },
      {
        accepted: [],
        deliveries: [],
        sessions: [],
        handedOver: handedOver.map((event, index) => ({
          event,
          epoch: index === handedOver.length - 1 ? lastEpoch : "one",
        })),
      },
    );

  it("may be missing where a gap stands, or before the feed began", () => {
    expect(judged(["b", "c"], ["a", "b", "c"])).toEqual([]);
    expect(judged(["a", gapOf(), "c"], ["a", "b", "c"])).toEqual([]);
    expect(judged(["a", gapOf()], ["a", "b"])).toEqual([]);
    expect(
      judged(["a", gapOf({ reason: "restart", epochAfter: "two" }), "c"], ["a", "b", "c"], "two"),
    ).toEqual([]);
  });

  it("is reported where it is missing without a gap, or with one at another place, or for another reason", () => {
    const lost = "1 events after number 1 are neither in the queue nor in a gap: b";
    expect(judged(["a", "c"], ["a", "b", "c"])).toEqual([lost]);
    expect(judged(["a", "c", gapOf()], ["a", "b", "c"])).toEqual([lost]);
    expect(judged(["a", gapOf({ reason: "drift" }), "c"], ["a", "b", "c"])).toEqual([lost]);
    expect(judged(["a"], ["a", "b"])).toEqual([lost]);
  });

  it("is reported out of order, and without a word about a restart", () => {
    expect(judged(["b", "a"], ["a", "b"])).toEqual(["b was handed over after number 2 and is number 1"]);
    expect(judged(["a", gapOf(), "b"], ["a", "b"], "two")).toEqual([
      "no gap before number 3 says that the PBX restarted at two",
    ]);
    expect(judged([gapOf({ from: TO, to: FROM })], [])).toEqual(["gap g ends before it begins"]);
  });
});

it("a webhook request is read as a delivery, and a gap message as a gap", () => {
  const body = { session: "s", previous: 2, first: 3, last: 4 };
  const messages = [3, 4].map((sequence) => ({ sequence, type: "A", event: { type: "A", sequence } }));
  expect(deliveryOf("id", { ...body, messages })).toMatchObject({
    messages: [{ sequence: 3, event: eventText({ type: "A", sequence: 3 }) }, { sequence: 4 }],
    gap: undefined,
  });
  const reported = [
    { sequence: 4, type: "RelayGap", event: { type: "RelayGap", reason: "retention", first: 3, last: 4 } },
  ];
  expect(deliveryOf("id", { ...body, messages: reported }).gap).toEqual({ first: 3, last: 4 });
  // A gap before ingest is an ordinary message of the queue.
  const stored = [
    { sequence: 4, type: "RelayGap", event: { type: "RelayGap", reason: "lost-before-ingest" } },
  ];
  expect(deliveryOf("id", { ...body, messages: stored }).gap).toBeUndefined();
});
