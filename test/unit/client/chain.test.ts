import { describe, expect, it } from "vitest";
import { beginningOf, type ChainState, checkLink, follow, gapOf } from "../../../client/index.ts";

const message = (sequence: number) => ({ sequence, type: "A", timestamp: "", event: {} });

function request(previous: number, numbers: readonly number[], epoch = 2) {
  return {
    epoch,
    first: numbers[0] ?? 0,
    last: numbers.at(-1) ?? 0,
    previous,
    messages: numbers.map(message),
  };
}

const standing: ChainState = { last: 10, epoch: 2 };
const numbersOf = ({ messages }: ReturnType<typeof follow>) => messages.map(({ sequence }) => sequence);

describe("a chain", () => {
  it("begins with whatever comes first when nothing is known", () => {
    const step = follow(undefined, request(7, [8, 9]));
    expect(step).toMatchObject({ kind: "next", state: { last: 9, epoch: 2 } });
    expect(numbersOf(step)).toEqual([8, 9]);
  });

  it("begins at the session's next message when the session is known, so that the first loss shows too", () => {
    const start = beginningOf({ next: 8, cursor: { fence: 1 } });
    expect(follow(start, request(7, [8])).kind).toBe("next");
    expect(follow(start, request(8, [9]))).toMatchObject({ kind: "missing", missing: { first: 8, last: 8 } });
  });

  it("goes on with what follows on the last number, whatever a filter leaves out", () => {
    const step = follow(standing, request(10, [17, 23, 24]));
    expect(step).toMatchObject({ kind: "next", state: { last: 24, epoch: 2 } });
    expect(step.missing).toBeUndefined();
    expect(numbersOf(step)).toEqual([17, 23, 24]);
  });

  it("keeps the greatest epoch", () => {
    expect(follow(standing, request(10, [11], 5)).state).toEqual({ last: 11, epoch: 5 });
    expect(follow(standing, request(7, [8, 10], 5)).state).toEqual({ last: 10, epoch: 5 });
  });

  it.each([
    ["the same request again", request(7, [8, 10])],
    ["an older request", request(0, [1, 2])],
    ["the same request from the session's next holder", request(7, [8, 10], 3)],
  ])("recognises %s as repeated, and stores nothing of it", (_, again) => {
    const step = follow(standing, again);
    expect(step).toMatchObject({ kind: "repeated", state: { last: 10 }, messages: [] });
  });

  it("stores nothing that a process sends that has lost the session, also when it is new", () => {
    const step = follow(standing, request(10, [11, 12], 1));
    expect(step).toEqual({ kind: "late", state: standing, messages: [] });
    // The session's holder sends the same.
    expect(numbersOf(follow(step.state, request(10, [11, 12], 3)))).toEqual([11, 12]);
  });

  it("stores of a request that begins too early only what is new", () => {
    const step = follow(standing, request(5, [6, 10, 11, 14]));
    expect(step).toMatchObject({ kind: "overlap", state: { last: 14, epoch: 2 } });
    expect(step.missing).toBeUndefined();
    expect(numbersOf(step)).toEqual([11, 14]);
  });

  it.each([
    ["one message", 11, { first: 11, last: 11 }],
    ["a request", 30, { first: 11, last: 30 }],
  ])("tells that %s is missing, and among which numbers", (_, previous, missing) => {
    const step = follow(standing, request(previous, [previous + 1]));
    expect(step).toMatchObject({ kind: "missing", missing, state: { last: previous + 1 } });
    expect(numbersOf(step)).toEqual([previous + 1]);
  });

  it("goes on after a gap that was told, without missing anything", () => {
    const told = follow(standing, { epoch: 3, previous: 10, last: 40, messages: [message(40)] });
    expect(told).toMatchObject({ kind: "next", state: { last: 40 } });
    expect(follow(told.state, request(40, [41], 3)).kind).toBe("next");
  });

  it("is checked by its numbers alone as well", () => {
    expect(checkLink(standing, { epoch: 2, previous: 12, last: 13 }).missing).toEqual({
      first: 11,
      last: 12,
    });
  });

  it("notices any request that is left out, and nothing else, in any order of repeats", () => {
    const chain = [
      request(0, [1, 2]),
      request(2, [5]),
      request(5, [6, 7, 8], 3),
      request(8, [12], 3),
      request(12, [13], 3),
    ];
    for (let left = 1; left < chain.length; left += 1) {
      let state: ChainState | undefined;
      const missing = [];
      for (const each of chain
        .toSpliced(left, 1)
        .flatMap((kept, index, all) => [kept, all[index - 1] ?? kept, kept])) {
        const step = follow(state, each);
        if (step.missing) missing.push(step.missing);
        state = step.state;
      }
      const last = chain[left - 1]?.last ?? 0;
      const isNoticed = left < chain.length - 1;
      expect(missing).toEqual(isNoticed ? [{ first: last + 1, last: chain[left]?.last }] : []);
    }
  });
});

describe("a gap", () => {
  const told = { sequence: 25, type: "RelayGap", timestamp: "" };

  it("that retention made names the numbers that will never come", () => {
    const event = { type: "RelayGap", reason: "retention", first: 3, last: 25 };
    expect(gapOf({ ...told, event })).toEqual({ reason: "retention", first: 3, last: 25 });
  });

  it("that a producer made names its positions", () => {
    const event = { reason: "lost-before-ingest", producer: "bridge", firstPosition: 4, lastPosition: 7 };
    expect(gapOf({ ...told, event })).toEqual({
      reason: "lost-before-ingest",
      producer: "bridge",
      first: 4,
      last: 7,
    });
  });

  it("is the same in AMI", () => {
    const fields = { Event: "RelayGap", Reason: "expired", First: "3", Last: "25" };
    expect(gapOf({ ...told, fields })).toEqual({ reason: "expired", first: 3, last: 25 });
  });

  it("is nothing else", () => {
    expect(gapOf(message(1))).toBeUndefined();
  });
});
