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

describe("the chain check", () => {
  it("accepts any first request when the receiver has no state", () => {
    const step = follow(undefined, request(7, [8, 9]));
    expect(step).toMatchObject({ kind: "next", state: { last: 9, epoch: 2 } });
    expect(numbersOf(step)).toEqual([8, 9]);
  });

  it("begins at a known session's next message, so that a loss before the first request shows", () => {
    const start = beginningOf({ next: 8, cursor: { fence: 1 } });
    expect(follow(start, request(7, [8])).kind).toBe("next");
    expect(follow(start, request(8, [9]))).toMatchObject({ kind: "missing", missing: { first: 8, last: 8 } });
  });

  it("accepts a request that follows the last number, whatever the filter leaves out", () => {
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
  ])("recognises %s as repeated, and stores none of its messages", (_, again) => {
    const step = follow(standing, again);
    expect(step).toMatchObject({ kind: "repeated", state: { last: 10 }, messages: [] });
  });

  it("stores nothing from a turn that has lost the session, even new messages", () => {
    const step = follow(standing, request(10, [11, 12], 1));
    expect(step).toEqual({ kind: "late", state: standing, messages: [] });
    // The current holder sends the same messages.
    expect(numbersOf(follow(step.state, request(10, [11, 12], 3)))).toEqual([11, 12]);
  });

  it("stores only the new messages of a request that begins too early", () => {
    const step = follow(standing, request(5, [6, 10, 11, 14]));
    expect(step).toMatchObject({ kind: "overlap", state: { last: 14, epoch: 2 } });
    expect(step.missing).toBeUndefined();
    expect(numbersOf(step)).toEqual([11, 14]);
  });

  it.each([
    ["one message", 11, { first: 11, last: 11 }],
    ["a request", 30, { first: 11, last: 30 }],
  ])("reports that %s is missing, and in which range", (_, previous, missing) => {
    const step = follow(standing, request(previous, [previous + 1]));
    expect(step).toMatchObject({ kind: "missing", missing, state: { last: previous + 1 } });
    expect(numbersOf(step)).toEqual([previous + 1]);
  });

  it("reports nothing missing after a gap message", () => {
    const reported = follow(standing, { epoch: 3, previous: 10, last: 40, messages: [message(40)] });
    expect(reported).toMatchObject({ kind: "next", state: { last: 40 } });
    expect(follow(reported.state, request(40, [41], 3)).kind).toBe("next");
  });

  it("works with the numbers alone", () => {
    expect(checkLink(standing, { epoch: 2, previous: 12, last: 13 }).missing).toEqual({
      first: 11,
      last: 12,
    });
  });

  it("notices any request that is left out, and nothing more, however requests are repeated", () => {
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
  const reported = { sequence: 25, type: "RelayGap", timestamp: "" };

  it("made by retention names the numbers that will never arrive", () => {
    const event = { type: "RelayGap", reason: "retention", first: 3, last: 25 };
    expect(gapOf({ ...reported, event })).toEqual({ reason: "retention", first: 3, last: 25 });
  });

  it("made by a producer names the producer's positions", () => {
    const event = { reason: "lost-before-ingest", producer: "bridge", firstPosition: 4, lastPosition: 7 };
    expect(gapOf({ ...reported, event })).toEqual({
      reason: "lost-before-ingest",
      producer: "bridge",
      first: 4,
      last: 7,
    });
  });

  it("made by a bridge names the times between which events may be missing", () => {
    const [from, to] = ["2026-11-27T08:00:00.000Z", "2026-11-27T08:00:05.000Z"];
    const event = { type: "RelayGap", reason: "link", gap: "g", from, to, epochBefore: null };
    expect(gapOf({ ...reported, event })).toEqual({ reason: "link", from, to });
    const fields = { Event: "RelayGap", Reason: "link", From: from, To: to };
    expect(gapOf({ ...reported, fields })).toEqual({ reason: "link", from, to });
  });

  it("is the same in AMI", () => {
    const fields = { Event: "RelayGap", Reason: "expired", First: "3", Last: "25" };
    expect(gapOf({ ...reported, fields })).toEqual({ reason: "expired", first: 3, last: 25 });
  });

  it("is not found in an ordinary message", () => {
    expect(gapOf(message(1))).toBeUndefined();
  });
});
