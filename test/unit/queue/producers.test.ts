import { describe, expect, it } from "vitest";
import {
  type ProducerTrail,
  REMEMBERED_PRODUCERS,
  remember,
  SQS_PRODUCER_PREFIX,
  sequenceIn,
  standing,
} from "../../../shared/queue/producers.ts";
import { NOW } from "./samples.ts";

const DAY = 24 * 3_600_000;

function trail(id: string, facts: Partial<ProducerTrail> = {}): ProducerTrail {
  return { id, start: 1, next: 2, page: 1, lastSeenEpochMillis: NOW, ...facts };
}

function trails(count: number, prefix = "p"): ProducerTrail[] {
  return Array.from({ length: count }, (_, n) =>
    trail(`${prefix}${n}`, { lastSeenEpochMillis: NOW - n - 1 }),
  );
}

const idsOf = (list: readonly ProducerTrail[]) => list.map(({ id }) => id);

describe("standing", () => {
  const known = trail("p", { start: 10, next: 20 });

  it.each([
    [undefined, 7, { kind: "continues", expected: 7 }],
    [known, 20, { kind: "continues", expected: 20 }],
    [known, 19, { kind: "continues", expected: 20 }],
    [known, 10, { kind: "continues", expected: 20 }],
    [known, 9, { kind: "conflict", expected: 20 }],
    [known, 21, { kind: "jumps", expected: 20 }],
  ])("of %o at position %i is %o", (before, position, expected) => {
    expect(standing(before, position)).toEqual(expected);
  });
});

describe("remember", () => {
  it("replaces a producer's trail and puts the newest first", () => {
    const old = [trail("a", { lastSeenEpochMillis: NOW - 5 }), trail("b", { lastSeenEpochMillis: NOW - 9 })];
    const b = trail("b", { next: 99 });
    expect(remember(old, [b], NOW)).toEqual([b, old[0]]);
  });

  it("keeps the 32 newest producers", () => {
    expect(idsOf(remember(trails(40), [trail("new")], NOW))).toEqual(["new", ...idsOf(trails(31))]);
  });

  it.each(["new", SQS_PRODUCER_PREFIX])("keeps all producers of the page itself (%s)", (prefix) => {
    const updated = Array.from({ length: REMEMBERED_PRODUCERS }, (_, n) => trail(`${prefix}${n}`));
    const kept = idsOf(remember([...trails(10), ...trails(10, SQS_PRODUCER_PREFIX)], updated, NOW));
    expect(kept).toEqual(expect.arrayContaining(idsOf(updated)));
  });

  it("keeps the 12 newest SQS messages in addition to the named producers, so that neither evicts the other", () => {
    const kept = idsOf(remember([...trails(32), ...trails(20, SQS_PRODUCER_PREFIX)], [], NOW));
    expect(kept.filter((id) => id.startsWith(SQS_PRODUCER_PREFIX))).toEqual(
      idsOf(trails(12, SQS_PRODUCER_PREFIX)),
    );
    expect(kept).toHaveLength(44);
  });

  it("forgets producers after a day", () => {
    const [young, old] = [
      trail("young", { lastSeenEpochMillis: NOW - DAY }),
      trail("old", { lastSeenEpochMillis: NOW - DAY - 1 }),
    ];
    expect(remember([young, old], [], NOW)).toEqual([young]);
  });
});

describe("sequenceIn", () => {
  const runs = [
    { producer: "a", position: 5, first: 100, count: 3, earlierPage: 0 },
    { producer: "b", position: 5, first: 103, count: 1, earlierPage: 0 },
    { producer: "a", position: 9, first: 104, count: 2, earlierPage: 0 },
  ];

  it.each([
    ["a", 4, undefined],
    ["a", 5, 100],
    ["a", 7, 102],
    ["a", 8, undefined],
    ["a", 10, 105],
    ["a", 11, undefined],
    ["b", 5, 103],
    ["c", 5, undefined],
  ])("producer %s, position %i: %s", (producer, position, sequence) => {
    expect(sequenceIn(runs, producer, position)).toBe(sequence);
  });
});
