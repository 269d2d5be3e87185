import { describe, expect, it } from "vitest";
import { FeedAdvances } from "../../../shared/queue/feedAdvances.ts";
import { createFollowers } from "../../../shared/queue/follower.ts";
import type { PageSource } from "../../../shared/queue/pageReader.ts";
import type { Clock } from "../../../shared/runtime/clock.ts";

import { storedPage } from "./samples.ts";

/** A clock that the test moves. Nothing sleeps longer than until its time is reached. */
class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #sleeping = new Map<() => void, number>();

  nowEpochMillis(): number {
    return this.#now;
  }

  sleep(millis: number, ...signals: readonly AbortSignal[]): Promise<void> {
    if (signals.some(({ aborted }) => aborted)) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleeping.delete(wake);
        resolve();
      };
      this.#sleeping.set(wake, this.#now + millis);
      for (const signal of signals) signal.addEventListener("abort", wake, { once: true });
    });
  }

  async pass(millis: number): Promise<void> {
    const until = this.#now + millis;
    for (; this.#now < until; this.#now += 1) {
      for (const [wake, at] of this.#sleeping) if (at <= this.#now) wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const PAGE = storedPage(1, 1);

function following() {
  const clock = new ManualClock();
  const advances = new FeedAdvances(clock);
  const follower = createFollowers({ read: async () => [] }, clock, advances)("pbx", 100);
  const stopping = new AbortController();
  const tickAfter = async (act: () => unknown = () => {}, mark = follower.mark()) => {
    let tookMillis: number | undefined;
    const begun = clock.nowEpochMillis();
    void follower.nextTick(mark, stopping.signal).then(() => {
      tookMillis = clock.nowEpochMillis() - begun;
    });
    await clock.pass(10);
    await act();
    for (let passed = 0; tookMillis === undefined && passed < 400; passed += 1) await clock.pass(1);
    return tookMillis;
  };
  return { clock, advances, follower, stopping, tickAfter };
}

it("a follower reads when its feed has advanced", async () => {
  const { advances, tickAfter } = following();
  expect(await tickAfter(() => advances.advanced("pbx", 0, PAGE))).toBeLessThanOrEqual(10 + 1);
});

it("a follower also reads at once when its feed advanced during its last read", async () => {
  const { advances, clock, follower, tickAfter } = following();
  const mark = follower.mark();
  advances.advanced("pbx", 0, PAGE);
  await clock.pass(10);
  expect(await tickAfter(undefined, mark)).toBeLessThanOrEqual(1);
});

it("a follower does not read again for an advance that its last read has seen", async () => {
  const { advances, tickAfter } = following();
  advances.advanced("pbx", 0, PAGE);
  expect(await tickAfter()).toBeGreaterThanOrEqual(250);
});

it("a follower that missed an advance reads after 250 ms, and not for an advance of another feed", async () => {
  const { advances, tickAfter } = following();
  const took = await tickAfter(() => advances.advanced("other", 0, PAGE));
  expect(took).toBeGreaterThanOrEqual(250);
  expect(took).toBeLessThanOrEqual(250 + 1);
});

it("a follower whose feed's advance was forgotten, because so many others advanced, reads at once", async () => {
  const { advances, follower, tickAfter } = following();
  const mark = follower.mark();
  advances.advanced("pbx", 0, PAGE);
  for (let number = 0; number < 1_000; number += 1) advances.advanced(`other-${number}`, 0, PAGE);
  expect(await tickAfter(undefined, mark)).toBeLessThanOrEqual(1);
});

it("a follower whose turn ends tells ingest of which feed", () => {
  const { advances, follower } = following();
  const ended: string[] = [];
  advances.onTurnEnded((feed) => void ended.push(feed));
  follower.turnEnded();
  expect(ended).toEqual(["pbx"]);
});

it("a follower stops waiting when the process stops", async () => {
  const { stopping, tickAfter } = following();
  expect(await tickAfter(() => stopping.abort())).toBeLessThanOrEqual(10 + 1);
});

describe("pages that were told", () => {
  it("are read in their order up to the end of their segment, and all others from the queue", async () => {
    const { advances } = following();
    const read: number[] = [];
    const queue: PageSource = {
      readPagesFrom: async (_feed, _segment, sequence) => {
        read.push(sequence);
        return [];
      },
      readPageBefore: async () => storedPage(1, 9),
    };
    const source = advances.before(queue);
    advances.advanced("pbx", 0, storedPage(5, 2));
    advances.advanced("pbx", 0, storedPage(7, 4));
    advances.advanced("pbx", 1, storedPage(11, 1));
    const from = async (segment: number, sequence: number) =>
      (await source.readPagesFrom("pbx", segment, sequence)).map(({ first, count }) => [first, count]);
    expect(await from(0, 5)).toEqual([
      [5, 2],
      [7, 4],
    ]);
    expect(await from(1, 11)).toEqual([[11, 1]]);
    expect([await from(0, 4), await from(0, 6), await from(1, 12)]).toEqual([[], [], []]);
    expect((await source.readPagesFrom("other", 0, 5)).length).toBe(0);
    expect(read).toEqual([4, 6, 12, 5]);
    expect((await source.readPageBefore("pbx", 0, 6))?.count).toBe(9);
  });
});
