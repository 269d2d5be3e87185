import { beforeEach, describe, expect, it } from "vitest";
import { GatheredHints } from "../../../functions/ingest/gatheredHints.ts";
import type { NotifyHint } from "../../../shared/queue/hints.ts";
import { ManualClock } from "../../support/manualClock.ts";

let clock: ManualClock;
let stop: AbortController;
let sent: NotifyHint[];
let logged: string[];
let fails: boolean;
let hints: GatheredHints;

beforeEach(() => {
  clock = new ManualClock();
  stop = new AbortController();
  sent = [];
  logged = [];
  fails = false;
  hints = new GatheredHints({
    sendNotify: async (hint) => {
      if (fails) throw new Error("SQS is away");
      sent.push(hint);
    },
    clock,
    log: { error: (message) => void logged.push(message) },
    stopping: stop.signal,
  });
});

const hint = (first: number, names?: string[], feed = "f"): NotifyHint => ({
  feed,
  first,
  next: first + 1,
  ...(names && { names }),
});

/** Lets time pass, and everything run that it wakes. */
async function pass(millis: number): Promise<void> {
  clock.pass(millis);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("the hints of a process whose turns are told of pages", () => {
  it("sends the first at once, and those that follow closely as one", async () => {
    await hints.sendNotify(hint(1, ["a"]));
    await hints.sendNotify(hint(2, ["b"]));
    await hints.sendNotify(hint(3, ["a"]));
    expect(sent).toEqual([hint(1, ["a"])]);
    await pass(200);
    expect(sent.slice(1)).toEqual([{ feed: "f", first: 2, next: 4, names: ["b", "a"] }]);
  });

  it("says that pages may hold anything as soon as one of them may", async () => {
    await hints.sendNotify(hint(1, ["a"]));
    await hints.sendNotify(hint(2, ["b"]));
    await hints.sendNotify(hint(3));
    await pass(200);
    expect(sent.slice(1)).toEqual([{ feed: "f", first: 2, next: 4 }]);
  });

  it("sends the first one after a pause at once again, and each feed by itself", async () => {
    await hints.sendNotify(hint(1));
    await hints.sendNotify(hint(1, [], "other"));
    await pass(200);
    await hints.sendNotify(hint(2));
    expect(sent).toEqual([hint(1), hint(1, [], "other"), hint(2)]);
  });

  it("sends the first one after a turn has ended at once: no turn reads its page", async () => {
    await hints.sendNotify(hint(1));
    hints.turnEnded("f");
    await hints.sendNotify(hint(2));
    await hints.sendNotify(hint(3));
    expect(sent).toEqual([hint(1), hint(2)]);
    await pass(200);
    expect(sent.slice(2)).toEqual([hint(3)]);
  });

  it("sends what has gathered when the process stops, and then each at once", async () => {
    await hints.sendNotify(hint(1));
    await hints.sendNotify(hint(2));
    stop.abort();
    await pass(0);
    await hints.sendNotify(hint(3));
    expect(sent).toEqual([hint(1), hint(2), hint(3)]);
  });

  it("leaves a hint that cannot be sent to the caller, or to the log once the caller has gone on", async () => {
    fails = true;
    await expect(hints.sendNotify(hint(1))).rejects.toThrow("SQS is away");
    await hints.sendNotify(hint(2));
    await pass(200);
    expect(logged).toEqual(["the notify hint could not be sent; the sweep will repair it"]);
    fails = false;
    await hints.sendNotify(hint(3));
    await pass(200);
    expect(sent).toEqual([hint(3)]);
  });
});
