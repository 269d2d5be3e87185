import { describe, expect, it } from "vitest";
import { type Event, type ProducerPosition, RelayCallError } from "../../client/index.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { replay } from "../../local/demo/replay.ts";
import type { Clock } from "../../shared/runtime/clock.ts";

const producer = { feed: "demo", producer: "test" };
const FIRST = { producer: "test", position: 1 };

/** A clock whose sleeps move it without waiting. */
function jumpingClock(): Clock & { slept: number } {
  return {
    slept: 0,
    nowEpochMillis() {
      return this.slept;
    },
    async sleep(millis) {
      this.slept += millis;
    },
  };
}

/** Accepts all events, in a feed that already has 100 messages. */
const takeAll = async (_feed: string, events: readonly Event[], { position }: ProducerPosition = FIRST) => ({
  first: 100 + position,
  last: 99 + position + events.length,
  accepted: events.length,
  duplicates: 0,
  refused: [],
});

describe("the recording", () => {
  it("has 453 events that are unchanged after parsing and serializing", async () => {
    const events = await readRecording();
    expect(events).toHaveLength(453);
    for (const { line } of events) expect(JSON.stringify(JSON.parse(line))).toBe(line);
  });
});

describe("the replay", () => {
  it("sends everything in order and reports each line's number", async () => {
    const events = await readRecording();
    const sent: Event[] = [];
    const numbered: [number, string][] = [];
    const result = await replay({
      ...producer,
      client: {
        append: (...batch) => {
          sent.push(...batch[1]);
          return takeAll(...batch);
        },
      },
      clock: jumpingClock(),
      events,
      stopping: new AbortController().signal,
      onAccepted: (...numberAndLine) => numbered.push(numberAndLine),
    });
    expect(result).toEqual({ accepted: 453, refused: 0 });
    expect(sent).toEqual(events.map(({ line }) => line));
    expect(numbered).toEqual(events.map(({ line }, index) => [101 + index, line]));
  });

  it("resends the same batch after a lost response and after an error of the relay", async () => {
    const events = (await readRecording()).slice(0, 60);
    const batches: Parameters<typeof takeAll>[] = [];
    const failures: unknown[] = [
      new RelayCallError("POST", { code: "call.failed", detail: "" }),
      new RelayCallError("POST", { status: 503, code: "relay.busy", detail: "" }),
    ];
    const result = await replay({
      ...producer,
      client: {
        append: async (...batch) => {
          batches.push(batch);
          const failure = failures.shift();
          if (failure !== undefined) throw failure;
          return { ...(await takeAll(...batch)), accepted: 0, duplicates: batch[1].length };
        },
      },
      clock: jumpingClock(),
      events,
      stopping: new AbortController().signal,
      onAccepted: () => {},
    });
    expect(batches.map(([, , from]) => from?.position)).toEqual([1, 1, 1, 51]);
    expect(batches[2]).toEqual(batches[0]);
    expect(result).toEqual({ accepted: 60, refused: 0 });
  });

  it("does not retry a call that the relay rejects as wrong", async () => {
    const wrong = new RelayCallError("POST", { status: 401, code: "key.wrong", detail: "wrong key" });
    const running = replay({
      ...producer,
      client: { append: () => Promise.reject(wrong) },
      clock: jumpingClock(),
      events: await readRecording(),
      stopping: new AbortController().signal,
      onAccepted: () => {},
    });
    await expect(running).rejects.toBe(wrong);
  });

  it("reports no numbers for refused lines", async () => {
    const events = (await readRecording()).slice(0, 3);
    const numbered: [number, string][] = [];
    const result = await replay({
      ...producer,
      client: {
        append: async () => ({
          first: 7,
          last: 8,
          accepted: 2,
          duplicates: 0,
          refused: [{ index: 1, error: "x" }],
        }),
      },
      clock: jumpingClock(),
      events,
      stopping: new AbortController().signal,
      onAccepted: (...numberAndLine) => numbered.push(numberAndLine),
    });
    expect(result).toEqual({ accepted: 2, refused: 1 });
    expect(numbered).toEqual([
      [7, events[0]?.line],
      [8, events[2]?.line],
    ]);
  });

  it("spreads the replay over the given time", async () => {
    const clock = jumpingClock();
    let batches = 0;
    await replay({
      ...producer,
      client: {
        append: (...batch) => {
          batches++;
          return takeAll(...batch);
        },
      },
      clock,
      events: await readRecording(),
      paceMillis: 10_000,
      stopping: new AbortController().signal,
      onAccepted: () => {},
    });
    expect(clock.slept).toBeGreaterThan(9_000);
    expect(clock.slept).toBeLessThanOrEqual(10_500);
    expect(batches).toBeGreaterThan(10);
  });

  it("ends when it is stopped", async () => {
    const stopping = new AbortController();
    const result = await replay({
      ...producer,
      client: {
        append: (...batch) => {
          stopping.abort();
          return takeAll(...batch);
        },
      },
      clock: jumpingClock(),
      events: await readRecording(),
      stopping: stopping.signal,
      onAccepted: () => {},
    });
    expect(result.accepted).toBe(50);
  });
});
