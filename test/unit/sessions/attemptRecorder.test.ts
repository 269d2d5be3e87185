import { beforeEach, describe, expect, it } from "vitest";
import type { Attempt } from "../../../shared/sessions/attempt.ts";
import { AttemptRecorder } from "../../../shared/sessions/attemptRecorder.ts";
import { NOW } from "./samples.ts";

/** The beginning of a minute. */
const BEGIN = NOW - (NOW % 60_000);

let nowEpochMillis: number;
let written: (readonly [session: string, attempts: readonly Attempt[]])[];
let warnings: string[];
let fails: boolean;

beforeEach(() => {
  nowEpochMillis = BEGIN;
  written = [];
  warnings = [];
  fails = false;
});

function recorder(intervalMillis = 60_000): AttemptRecorder {
  return new AttemptRecorder({
    sink: {
      putAttempts: async (session, attempts) => {
        if (fails) throw new Error("throttled");
        written.push([session, attempts]);
      },
    },
    clock: { nowEpochMillis: () => nowEpochMillis, sleep: async () => {} },
    log: { info: () => {}, warn: (message) => void warnings.push(message), error: () => {} },
    intervalMillis,
  });
}

function accepted(first: number, facts: Partial<Attempt> = {}): Attempt {
  return {
    outcome: "accepted",
    status: 204,
    sinceEpochMillis: nowEpochMillis,
    atEpochMillis: nowEpochMillis,
    durationMillis: 10,
    requests: 1,
    batch: `batch-${first}`,
    first,
    last: first + 9,
    messages: 10,
    ...facts,
  };
}

const failed = (first: number): Attempt =>
  accepted(first, { outcome: "failed", status: 500, reason: "http.status", detail: "status 500" });

describe("the record of attempts", () => {
  it("has a quiet session's success at once", async () => {
    await recorder().record("a", accepted(1));
    expect(written).toEqual([["a", [accepted(1)]]]);
  });

  it("makes one entry of a minute's successes in one process, whose numbers have no hole", async () => {
    const attempts = recorder();
    for (let request = 0; request <= 600; request += 1) {
      const attempt = accepted(1 + 10 * request, { durationMillis: request === 300 ? 900 : 10 });
      await attempts.record("a", attempt, request === 0 ? undefined : nowEpochMillis - 100);
      nowEpochMillis += 100;
    }
    expect(written).toHaveLength(2);
    expect(written[1]?.[1]).toEqual([
      {
        outcome: "accepted",
        status: 204,
        sinceEpochMillis: BEGIN + 100,
        atEpochMillis: BEGIN + 60_000,
        durationMillis: 900,
        requests: 600,
        batch: "batch-6001",
        first: 11,
        last: 6010,
        messages: 6000,
      },
    ]);
  });

  it("has one success a minute of a session that many processes serve in turn", async () => {
    const processes = Array.from({ length: 7 }, recorder);
    let last: number | undefined;
    for (let request = 0; request < 600; request += 1) {
      const attempts = processes[request % processes.length];
      await attempts?.record("a", accepted(1 + 10 * request), last);
      last = nowEpochMillis;
      nowEpochMillis += 500;
      await attempts?.writeDue();
    }
    expect(written.map(([, [attempt]]) => attempt?.atEpochMillis)).toEqual(
      [0, 1, 2, 3, 4].map((minute) => BEGIN + minute * 60_000),
    );
  });

  it("has every success when the interval is 0", async () => {
    const attempts = recorder(0);
    await attempts.record("a", accepted(1));
    await attempts.record("a", accepted(11), nowEpochMillis);
    expect(written).toHaveLength(2);
  });

  it("has a failure at once, with the successes before it, and then the next success at once", async () => {
    const attempts = recorder();
    await attempts.record("a", accepted(1));
    await attempts.record("a", accepted(11), nowEpochMillis);
    await attempts.record("a", failed(21), nowEpochMillis);
    await attempts.record("a", accepted(21));
    expect(written.map(([, each]) => each.map(({ outcome, first }) => [outcome, first]))).toEqual([
      [["accepted", 1]],
      [
        ["accepted", 11],
        ["failed", 21],
      ],
      [["accepted", 21]],
    ]);
  });

  it.each([["gap"], ["test"]])("keeps a %s as an entry of its own", async (what) => {
    const attempts = recorder();
    await attempts.record("a", accepted(1));
    await attempts.record("a", accepted(11), nowEpochMillis);
    await attempts.record("a", accepted(21, { [what]: "one" }), nowEpochMillis);
    expect(written[1]?.[1]).toEqual([accepted(11), accepted(21, { [what]: "one" })]);
  });

  it("writes the last successes at the end of an invocation once a session has rested for a minute", async () => {
    const attempts = recorder();
    for (const session of ["a", "b"]) {
      await attempts.record(session, accepted(1));
      await attempts.record(session, accepted(11), nowEpochMillis);
      nowEpochMillis += 30_000;
    }
    await attempts.writeDue();
    expect(written.slice(2).map(([session]) => session)).toEqual(["a"]);
    nowEpochMillis += 30_000;
    await attempts.writeDue();
    await attempts.writeDue();
    expect(written.slice(2).map(([session]) => session)).toEqual(["a", "b"]);
  });

  it("goes on when the clock is set back", async () => {
    const attempts = recorder();
    await attempts.record("a", accepted(1));
    nowEpochMillis -= 3_600_000;
    await attempts.record("a", accepted(11), BEGIN);
    expect(written).toHaveLength(2);
  });

  it("never fails a delivery: a write that fails is logged and given up", async () => {
    fails = true;
    const attempts = recorder();
    await attempts.record("a", failed(1));
    expect(warnings).toEqual(["attempts could not be recorded"]);
    fails = false;
    await attempts.record("a", accepted(1));
    expect(written).toEqual([["a", [accepted(1)]]]);
  });
});
