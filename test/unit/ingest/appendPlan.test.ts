import { describe, expect, it } from "vitest";
import {
  type PagePlan,
  type Progress,
  planPage,
  type Submission,
} from "../../../functions/ingest/appendPlan.ts";
import { readAmi } from "../../../shared/ami/amiParser.ts";
import { encodePage, MAX_PAGE_MESSAGES, MAX_PAGE_TEXT_BYTES } from "../../../shared/queue/pageCodec.ts";
import { type ProducerTrail, REMEMBERED_PRODUCERS } from "../../../shared/queue/producers.ts";
import type { EventOrRefusal } from "../../../shared/stasis/event.ts";
import { event, events, NOW, refusedEvent, tailOf } from "../queue/samples.ts";

function work(items: readonly EventOrRefusal[], producer?: Submission["producer"], offset = 0): Progress {
  return { submission: { events: items, ...(producer ? { producer } : {}) }, offset };
}

function trail(facts: Partial<ProducerTrail> = {}): ProducerTrail {
  return { id: "p", start: 1, next: 11, gaps: [], page: 3, lastSeenEpochMillis: NOW - 1, ...facts };
}

/** The event name or the gap of each message of the page. */
function contents({ messages }: PagePlan): unknown[] {
  return messages.map(({ text }) => {
    const { event: it } = JSON.parse(text);
    return it.n ?? it;
  });
}

describe("planPage", () => {
  it("numbers the events from the tail's next on", () => {
    const plan = planPage(tailOf({ next: 4 }), [work(events(3))], NOW);
    expect(plan).toMatchObject({ first: 4, runs: [], producers: [] });
    expect(contents(plan)).toEqual(["1", "2", "3"]);
    expect(plan.steps).toEqual([{ offset: 3, accepted: 3, duplicates: [], first: 4, last: 6 }]);
  });

  it("uses the append time for an event without a timestamp", () => {
    const item = { event: { type: "A", timestamp: undefined, text: "{}", body: {} } };
    const [only] = planPage(tailOf(), [work([item])], NOW).messages;
    expect(JSON.parse(only?.text ?? "").timestamp).toBe(new Date(NOW).toISOString());
  });

  it("ends at the segment's border and leaves the rest to the next page", () => {
    const plan = planPage(tailOf({ next: 18, segmentSize: 10 }), [work(events(5))], NOW);
    expect(contents(plan)).toEqual(["1", "2", "3"]);
    expect(plan.steps).toEqual([{ offset: 3, accepted: 3, duplicates: [], first: 18, last: 20 }]);
    const rest = planPage(tailOf({ next: 21 }), [work(events(5), undefined, 3)], NOW);
    expect(contents(rest)).toEqual(["4", "5"]);
    expect(rest.steps).toMatchObject([{ offset: 5, first: 21, last: 22 }]);
  });

  it("fills a page up to its limit of messages", () => {
    const plan = planPage(tailOf({ segmentSize: 10_000 }), [work(events(MAX_PAGE_MESSAGES + 1))], NOW);
    expect(plan.messages).toHaveLength(MAX_PAGE_MESSAGES);
    expect(plan.steps).toMatchObject([{ offset: MAX_PAGE_MESSAGES, last: MAX_PAGE_MESSAGES }]);
  });

  it("fills a page up to its limit of bytes, and a single event always fits", () => {
    const large = [1, 2, 3].map((n) => event(n, { bytes: 120 * 1024 }));
    const plan = planPage(tailOf(), [work(large)], NOW);
    expect(contents(plan)).toEqual(["1", "2"]);
    const bytes = plan.messages.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_PAGE_TEXT_BYTES);
    const huge = [event(1, { bytes: 2 * MAX_PAGE_TEXT_BYTES }), event(2)];
    expect(contents(planPage(tailOf(), [work(huge)], NOW))).toEqual(["1"]);
  });

  it("takes several submissions into one page, each with its own numbers", () => {
    const plan = planPage(tailOf(), [work(events(2)), work([]), work(events(3, 7))], NOW);
    expect(contents(plan)).toEqual(["1", "2", "7", "8", "9"]);
    expect(plan.steps).toEqual([
      { offset: 2, accepted: 2, duplicates: [], first: 1, last: 2 },
      { offset: 0, accepted: 0, duplicates: [] },
      { offset: 3, accepted: 3, duplicates: [], first: 3, last: 5 },
    ]);
  });

  it("takes no event of a submission when the page has no room left", () => {
    const plan = planPage(tailOf({ segmentSize: 2 }), [work(events(2)), work(events(1, 7))], NOW);
    expect(plan.steps[1]).toEqual({ offset: 0, accepted: 0, duplicates: [] });
  });

  it("skips refused events without a number, even after the end of a full page", () => {
    const items = [refusedEvent, event("a"), refusedEvent, event("b"), refusedEvent];
    const plan = planPage(tailOf({ segmentSize: 2 }), [work(items)], NOW);
    expect(contents(plan)).toEqual(["a", "b"]);
    expect(plan.steps).toEqual([{ offset: 5, accepted: 2, duplicates: [], first: 1, last: 2 }]);
  });

  it("plans nothing when every event is refused", () => {
    const plan = planPage(tailOf(), [work([refusedEvent])], NOW);
    expect(plan).toMatchObject({ messages: [], steps: [{ offset: 1, accepted: 0, duplicates: [] }] });
  });

  it("does not change its arguments", () => {
    const tail = tailOf({ producers: [trail()] });
    const before = structuredClone(tail);
    planPage(tail, [work(events(3), { id: "p", position: 11 })], NOW);
    expect(tail).toEqual(before);
  });
});

describe("planPage with a producer", () => {
  const tail = tailOf({ next: 5, producers: [trail()] });

  it("leaves a trail for the next append, and a link to the producer's earlier page", () => {
    const plan = planPage(tail, [work(events(2), { id: "p", position: 11 })], NOW);
    expect(plan.producers).toEqual([
      { id: "p", start: 1, next: 13, gaps: [], page: 5, lastSeenEpochMillis: NOW },
    ]);
    expect(plan.runs).toEqual([{ producer: "p", position: 11, first: 5, count: 2, earlierPage: 3 }]);
  });

  it("begins the trail of a new producer at its first position", () => {
    const plan = planPage(tailOf(), [work(events(2), { id: "q", position: 70 })], NOW);
    expect(plan.producers).toMatchObject([{ id: "q", start: 70, next: 72, page: 1 }]);
    expect(plan.runs).toMatchObject([{ position: 70, first: 1, count: 2, earlierPage: 0 }]);
  });

  it("leaves out events that were appended before and lists their indexes", () => {
    const plan = planPage(tail, [work(events(4, 9), { id: "p", position: 9 })], NOW);
    expect(contents(plan)).toEqual(["11", "12"]);
    expect(plan.steps).toEqual([{ offset: 4, accepted: 2, duplicates: [0, 1], first: 5, last: 6 }]);
    expect(plan.runs).toMatchObject([{ position: 11, count: 2 }]);
  });

  it("finds nothing to write in a batch that was appended before", () => {
    const plan = planPage(tail, [work(events(2, 9), { id: "p", position: 9 })], NOW);
    expect(plan).toMatchObject({ messages: [], runs: [], steps: [{ offset: 2, duplicates: [0, 1] }] });
  });

  it("recognises events that the page took from another submission of the same producer", () => {
    const [first, again] = [1, 2].map(() => work(events(2, 11), { id: "p", position: 11 }));
    if (first === undefined || again === undefined) throw new Error("two submissions");
    const plan = planPage(tail, [first, again], NOW);
    expect(contents(plan)).toEqual(["11", "12"]);
    expect(plan.steps.map(({ duplicates }) => duplicates)).toEqual([[], [0, 1]]);
  });

  it("lets a refused event keep its position, so that later events keep theirs", () => {
    const items = [event("a"), refusedEvent, event("c")];
    const plan = planPage(tail, [work(items, { id: "p", position: 11 })], NOW);
    expect(plan.runs).toMatchObject([
      { position: 11, first: 5, count: 1 },
      { position: 13, first: 6, count: 1 },
    ]);
    expect(plan.producers).toMatchObject([{ next: 14 }]);
  });

  it("reports missing positions by a gap message, which counts for no submission", () => {
    const plan = planPage(tail, [work(events(2), { id: "p", position: 15 })], NOW);
    expect(contents(plan)).toEqual([
      {
        type: "RelayGap",
        timestamp: new Date(NOW).toISOString(),
        reason: "lost-before-ingest",
        producer: "p",
        firstPosition: 11,
        lastPosition: 14,
      },
      "1",
      "2",
    ]);
    expect(plan.steps).toEqual([{ offset: 2, accepted: 2, duplicates: [], first: 6, last: 7 }]);
    expect(plan.runs).toMatchObject([{ position: 15, first: 6, count: 2 }]);
  });

  it("reports a gap once when the page ends right after it", () => {
    const submission = work(events(1), { id: "p", position: 15 });
    const plan = planPage({ ...tail, next: 10 }, [submission], NOW);
    expect(plan.steps).toEqual([{ offset: 0, accepted: 0, duplicates: [] }]);
    const rest = planPage({ ...tail, next: 11, producers: plan.producers }, [submission], NOW);
    expect(contents(rest)).toEqual(["1"]);
    expect(rest.runs).toMatchObject([{ earlierPage: 3 }]);
  });

  it("leaves the gap to the next page when this one is full", () => {
    const full = work(events(6));
    const jumps = work(events(1), { id: "p", position: 15 });
    const plan = planPage(tail, [full, jumps], NOW);
    expect(plan.messages).toHaveLength(6);
    expect(plan.producers).toEqual([trail()]);
    expect(plan.steps[1]).toEqual({ offset: 0, accepted: 0, duplicates: [] });
  });

  it("refuses positions below the producer's first one and names the expected position", () => {
    const known = tailOf({ producers: [trail({ start: 5 })] });
    const plan = planPage(known, [work(events(9), { id: "p", position: 4 }), work(events(1))], NOW);
    expect(contents(plan)).toEqual(["1"]);
    expect(plan.steps).toEqual([
      { offset: 9, accepted: 0, duplicates: [], conflict: { expected: 11, position: 4 } },
      { offset: 1, accepted: 1, duplicates: [], first: 1, last: 1 },
    ]);
    expect(plan.producers).toMatchObject([{ id: "p", start: 5, next: 11 }]);
  });

  it("remembers the gap, and takes nothing of a batch that reaches into it", () => {
    const jumps = planPage(tail, [work(events(2), { id: "p", position: 15 })], NOW);
    expect(jumps.producers).toMatchObject([{ start: 1, next: 17, gaps: [[11, 14]] }]);
    const later = tailOf({ next: 8, producers: jumps.producers });
    const plan = planPage(later, [work(events(3), { id: "p", position: 9 })], NOW);
    expect(plan.messages).toEqual([]);
    expect(plan.steps).toEqual([
      { offset: 3, accepted: 0, duplicates: [], conflict: { expected: 17, position: 11 } },
    ]);
    const resent = planPage(later, [work(events(3), { id: "p", position: 15 })], NOW);
    expect(resent.steps).toMatchObject([{ accepted: 1, duplicates: [0, 1] }]);
    expect(resent.producers).toMatchObject([{ next: 18, gaps: [[11, 14]] }]);
  });

  it("counts what a page's item says besides the messages: it stays below DynamoDB's limit", () => {
    const items = Array.from({ length: 500 }, (_, n) => {
      const name = `${String.fromCodePoint(0x1_f600 + n)}${"\u{1f600}".repeat(63)}`;
      return { ami: readAmi(`Event: ${name}\r\nPrivilege: call,all\r\n\r\n`) };
    });
    const { messages } = planPage(tailOf({ segmentSize: 10_000 }), [work(items)], NOW);
    const { names, body } = encodePage(messages);
    expect(messages.length).toBeGreaterThan(100);
    expect(Buffer.byteLength(names.join("")) + body.length).toBeLessThan(300 * 1024);
  });

  it("keeps two producers of one page apart", () => {
    const plan = planPage(
      tailOf(),
      [
        work(events(2), { id: "a", position: 1 }),
        work(events(1, 8), { id: "b", position: 7 }),
        work(events(1, 3), { id: "a", position: 3 }),
      ],
      NOW,
    );
    expect(plan.runs).toMatchObject([
      { producer: "a", position: 1, first: 1, count: 2 },
      { producer: "b", position: 7, first: 3, count: 1 },
      { producer: "a", position: 3, first: 4, count: 1 },
    ]);
    expect(Object.fromEntries(plan.producers.map(({ id, next }) => [id, next]))).toEqual({ a: 4, b: 8 });
  });

  it("leaves a producer to the next page when the page has as many as are remembered", () => {
    const many = Array.from({ length: REMEMBERED_PRODUCERS + 1 }, (_, n) =>
      work(events(1, n), { id: `p${n}`, position: 1 }),
    );
    const plan = planPage(
      tailOf({ segmentSize: 100 }),
      [...many, work(events(1, 99), { id: "p0", position: 2 })],
      NOW,
    );
    expect(plan.messages).toHaveLength(REMEMBERED_PRODUCERS + 1);
    expect(plan.steps.at(-2)).toEqual({ offset: 0, accepted: 0, duplicates: [] });
    expect(plan.steps.at(-1)).toMatchObject({ offset: 1, accepted: 1 });
  });

  it("ends the page when refused events split the positions into 128 runs", () => {
    const torn = events(200).flatMap((item) => [refusedEvent, item]);
    const plan = planPage(tailOf({ segmentSize: 1000 }), [work(torn, { id: "p", position: 1 })], NOW);
    expect(plan.runs).toHaveLength(128);
    expect(plan.steps).toMatchObject([{ offset: 257, accepted: 128, first: 1, last: 128 }]);
    expect(plan.producers).toMatchObject([{ id: "p", next: 258 }]);
  });
});
