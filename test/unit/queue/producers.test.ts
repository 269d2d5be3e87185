import { describe, expect, it } from "vitest";
import {
  type ProducerTrail,
  REMEMBERED_PRODUCERS,
  remember,
  SQS_PRODUCER_PREFIX,
  type Standing,
  sequenceIn,
  standing,
  withGap,
} from "../../../shared/queue/producers.ts";
import { NOW } from "./samples.ts";

const DAY = 24 * 3_600_000;

function trail(id: string, facts: Partial<ProducerTrail> = {}): ProducerTrail {
  return { id, start: 1, next: 2, gaps: [], page: 1, lastSeenEpochMillis: NOW, ...facts };
}

function trails(count: number, prefix = "p"): ProducerTrail[] {
  return Array.from({ length: count }, (_, n) =>
    trail(`${prefix}${n}`, { lastSeenEpochMillis: NOW - n - 1 }),
  );
}

const idsOf = (list: readonly ProducerTrail[]) => list.map(({ id }) => id);

describe("standing", () => {
  const known = trail("p", { start: 10, next: 20 });
  const jumped = trail("p", {
    start: 10,
    next: 40,
    gaps: [
      [15, 19],
      [30, 34],
    ],
  });

  const { gaps: _, ...older } = known;
  const olderMessage = { ...older, id: `${SQS_PRODUCER_PREFIX}m` };

  it.each<[ProducerTrail | undefined, number, number, Standing]>([
    [undefined, 7, 9, { kind: "continues", expected: 7 }],
    [known, 20, 22, { kind: "continues", expected: 20 }],
    [known, 19, 22, { kind: "continues", expected: 20 }],
    [known, 10, 22, { kind: "continues", expected: 20 }],
    [known, 9, 22, { kind: "conflict", expected: 20, position: 9 }],
    [known, 21, 22, { kind: "jumps", expected: 20 }],
    [jumped, 10, 14, { kind: "continues", expected: 40 }],
    [jumped, 15, 15, { kind: "conflict", expected: 40, position: 15 }],
    [jumped, 17, 18, { kind: "conflict", expected: 40, position: 17 }],
    [jumped, 10, 16, { kind: "conflict", expected: 40, position: 15 }],
    [jumped, 20, 29, { kind: "continues", expected: 40 }],
    [jumped, 20, 45, { kind: "conflict", expected: 40, position: 30 }],
    [jumped, 35, 45, { kind: "continues", expected: 40 }],
    [older, 19, 22, { kind: "conflict", expected: 20, position: 19 }],
    [older, 20, 22, { kind: "continues", expected: 20 }],
    [olderMessage, 10, 19, { kind: "continues", expected: 20 }],
  ])("of %o at positions %i to %i is %o", (before, first, last, expected) => {
    expect(standing(before, [first, last])).toEqual(expected);
  });
});

describe("the gaps of a producer", () => {
  it("are the last eight; with an older one goes what is known of the positions below it", () => {
    let known: Pick<ProducerTrail, "start" | "gaps"> = { start: 1 };
    for (let first = 10; first <= 80; first += 10) known = withGap(known, [first, first + 4]);
    expect(known).toMatchObject({ start: 1, gaps: { length: 8 } });
    known = withGap(known, [90, 94]);
    expect(known).toMatchObject({ start: 15, gaps: { length: 8, 0: [20, 24], 7: [90, 94] } });
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
