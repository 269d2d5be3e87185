import { describe, expect, it } from "vitest";
import { Appender, type AppendStore } from "../../functions/ingest/append.ts";
import type { AppendResult } from "../../functions/ingest/appendResult.ts";
import { freeSegments } from "../../functions/sweep/free.ts";
import { readTail } from "../../shared/queue/tail.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { readSettings } from "../../shared/runtime/settings.ts";
import { FEED, type Gate, MemoryRelay, openGate } from "../support/memoryRelay.ts";
import { chooseByPriority, chooseEvenly, Scheduler, seededRandom } from "./scheduler.ts";

const SETTINGS = readSettings({ RELAY_FREE_GRACE_SECONDS: "10" });

function appenderOf(
  relay: MemoryRelay,
  name: string,
  gate: Gate,
  store: Partial<AppendStore> = {},
): Appender {
  let pages = 0;
  return new Appender({
    store: { ...relay.appendStore(gate), ...store },
    sendNotify: async () => {},
    clock: relay.clock,
    log: silentLog,
    metrics: silentMetrics,
    settings: SETTINGS,
    newAppendId: () => `${name}-${pages++}`,
    random: () => 0,
  });
}

/** `count` events of a producer, beginning at `position`. */
function submission(id: string, position: number, count: number) {
  const events = Array.from({ length: count }, (_, index) => {
    const body = { type: "A", from: id, position: position + index };
    return { event: { type: "A", timestamp: undefined, text: JSON.stringify(body), body } };
  });
  return [{ producer: { id, position }, events }];
}

const resultOf = (results: readonly unknown[]) => results[0] as AppendResult;

describe("appends from several processes, step by step in many orders", () => {
  it("assign every number once, keep each producer's order, and answer a resend with the original numbers", async () => {
    for (let seed = 1; seed <= 600; seed += 1) {
      const relay = new MemoryRelay(8);
      const scheduler = new Scheduler();
      const random = seededRandom(seed);
      for (const name of ["a", "b", "c"])
        scheduler.start(name, async () => {
          const gate = scheduler.gateOf(name);
          const appender = appenderOf(relay, name, gate);
          const other = appenderOf(relay, `${name}-other`, gate);
          for (let position = 1; position <= 7; position += 3) {
            const sent = submission(name, position, 3);
            const first = resultOf(await appender.append(FEED, sent));
            const again = resultOf(await other.append(FEED, sent));
            expect(again).toEqual({ ...first, accepted: 0, duplicates: 3 });
          }
        });
      await scheduler.run(seed % 2 === 0 ? chooseEvenly(random) : chooseByPriority(random), () => []);

      expect(scheduler.failures).toEqual([]);
      expect(relay.appended).toEqual(Array.from({ length: 27 }, (_, index) => index + 1));
      for (const name of ["a", "b", "c"]) {
        const positions = [...relay.pages.values()]
          .sort((x, y) => x.first - y.first)
          .flatMap(({ runs }) => runs.filter(({ producer }) => producer === name))
          .flatMap(({ position, count }) => Array.from({ length: count }, (_, index) => position + index));
        expect(positions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
    }
  }, 60_000);

  it("recognise their own page when the response to its put was lost", async () => {
    const relay = new MemoryRelay(8);
    const store = relay.appendStore(openGate);
    // The SDK retries a put without a response: the second put finds the first one's page.
    const putPage: AppendStore["putPage"] = async (...put) => {
      await store.putPage(...put);
      return store.putPage(...put);
    };
    const appender = appenderOf(relay, "a", openGate, { putPage });
    expect(resultOf(await appender.append(FEED, submission("a", 1, 3)))).toMatchObject({
      first: 1,
      last: 3,
      accepted: 3,
    });
    expect(relay.appended).toEqual([1, 2, 3]);
  });

  it("recognise a batch appended by a process that died before it could respond", async () => {
    const relay = new MemoryRelay(8);
    await appenderOf(relay, "dead", openGate).append(FEED, submission("a", 1, 3));
    const result = resultOf(await appenderOf(relay, "alive", openGate).append(FEED, submission("a", 1, 5)));
    expect(result).toEqual({ first: 1, last: 5, accepted: 2, duplicates: 3, refused: [] });
  });
});

describe("the memory of producers with keys", () => {
  /** 40 of them share a feed, of which a page remembers 32. */
  const NAMES = Array.from({ length: 40 }, (_, n) => `p${n}`);

  function keyedSubmission(id: string, position: number, count: number) {
    const key = `key-${Number(id.slice(1)) % 2}`;
    return submission(id, position, count).map((each) => ({ ...each, producer: { ...each.producer, key } }));
  }

  it("doubles nothing in many orders: 40 producers send and resend through three processes, one of which dies", async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const relay = new MemoryRelay(1000);
      const scheduler = new Scheduler();
      const random = seededRandom(seed);
      for (const process of ["a", "b", "c"])
        scheduler.start(process, async () => {
          const appender = appenderOf(relay, process, scheduler.gateOf(process));
          // Every producer sends each batch through every process, in another order.
          const order = [...NAMES].sort(() => random() - 0.5);
          for (const position of [1, 3])
            for (const id of order) {
              const [result] = await appender.append(FEED, keyedSubmission(id, position, 2));
              const { accepted, duplicates } = result as AppendResult;
              if (accepted !== undefined) expect(accepted + duplicates).toBe(2);
            }
        });
      await scheduler.run(seed % 2 === 0 ? chooseEvenly(random) : chooseByPriority(random), () => []);

      expect(scheduler.failures).toEqual([]);
      for (const id of NAMES) {
        const positions = [...relay.pages.values()]
          .sort((x, y) => x.first - y.first)
          .flatMap(({ runs }) => runs.filter(({ producer }) => producer === id))
          .flatMap(({ position, count }) => Array.from({ length: count }, (_, index) => position + index));
        expect([seed, id, new Set(positions).size]).toEqual([seed, id, positions.length]);
      }
    }
  }, 120_000);

  /** A producer is on the last page, and the next page will drop it. */
  async function relayBeforeDrop(): Promise<MemoryRelay> {
    const relay = new MemoryRelay(1000);
    const appender = appenderOf(relay, "before", openGate);
    await appender.append(FEED, keyedSubmission("p0", 1, 3));
    for (const id of NAMES.slice(1, 32)) await appender.append(FEED, keyedSubmission(id, 1, 1));
    expect([...relay.pages.values()].at(-1)?.producers).toHaveLength(32);
    return relay;
  }

  it("has a trail that a page drops, also when the process dies right after the page", async () => {
    const relay = await relayBeforeDrop();
    const store = relay.appendStore(openGate);
    const never = new Promise<never>(() => {});
    let isWritten = (): void => {};
    const written = new Promise<void>((resolve) => {
      isWritten = resolve;
    });
    const putPage: AppendStore["putPage"] = async (...put) => {
      await store.putPage(...put);
      isWritten();
      return never;
    };
    void appenderOf(relay, "dies", openGate, { putPage }).append(FEED, keyedSubmission("p32", 1, 1));
    await written;
    const [again] = await appenderOf(relay, "alive", openGate).append(FEED, keyedSubmission("p0", 1, 3));
    expect(again).toMatchObject({ first: 1, last: 3, accepted: 0, duplicates: 3 });
  });

  it("is read again after a lost race: the winner's page may have dropped a trail that the archive had not", async () => {
    const relay = await relayBeforeDrop();
    const store = relay.appendStore(openGate);
    // Before the first put, another process appends for the same producer, and then drops it from the pages.
    let others = 1;
    const putPage: AppendStore["putPage"] = async (...put) => {
      if (others-- > 0) {
        const other = appenderOf(relay, "other", openGate);
        await other.append(FEED, keyedSubmission("p35", 1, 3));
        for (let n = 100; n < 132; n += 1) await other.append(FEED, keyedSubmission(`p${n}`, 1, 1));
      }
      return store.putPage(...put);
    };
    const [again] = await appenderOf(relay, "slow", openGate, { putPage }).append(
      FEED,
      keyedSubmission("p35", 1, 3),
    );
    expect(again).toMatchObject({ accepted: 0, duplicates: 3 });
  });

  it("keeps what two processes archive at once for the same key", async () => {
    const relay = await relayBeforeDrop();
    const store = relay.appendStore(openGate);
    let others = 1;
    const putArchive: AppendStore["putArchive"] = async (...put) => {
      // Just before the first write, another process archives one of the trails. It never puts its page.
      if (others-- > 0)
        await new Promise<void>((resolve) => {
          const putPage: AppendStore["putPage"] = () => {
            resolve();
            return new Promise<never>(() => {});
          };
          void appenderOf(relay, "other", openGate, { putPage }).append(FEED, keyedSubmission("p32", 1, 1));
        });
      return store.putArchive(...put);
    };
    await appenderOf(relay, "slow", openGate, { putArchive }).append(
      FEED,
      ["p33", "p34", "p35"].flatMap((id) => keyedSubmission(id, 1, 1)),
    );
    const appender = appenderOf(relay, "late", openGate);
    for (const id of ["p0", "p1", "p2"]) {
      const [again] = await appender.append(FEED, keyedSubmission(id, 1, 1));
      expect([id, again]).toMatchObject([id, { accepted: 0, duplicates: 1 }]);
    }
  });
});

describe("no resurrection: a freed number is not assigned again", () => {
  /** A writer caches the tail. Then others append, and everything that may be freed is freed. */
  async function writeAfterFreeing(settings: {
    freeGraceMillis: number;
    passedMillis: number;
  }): Promise<number[]> {
    const relay = new MemoryRelay(2);
    const writer = appenderOf(relay, "writer", openGate);
    await writer.append(FEED, submission("writer", 1, 1));
    await appenderOf(relay, "other", openGate).append(FEED, submission("other", 1, 5));
    relay.nowEpochMillis += settings.passedMillis;
    const tail = await readTail(relay.tailSource(openGate), FEED, () => relay.nowEpochMillis);
    if (tail === undefined) throw new Error("the feed is gone");
    await freeSegments(
      {
        ...relay.sweepStores(),
        tails: relay.tailSource(openGate),
        cursors: relay.cursorStore(openGate),
        wakes: relay.wakeSender(openGate),
        clock: relay.clock,
        log: silentLog,
        metrics: silentMetrics,
        settings: { ...SETTINGS, freeGraceMillis: settings.freeGraceMillis },
      },
      relay.head,
      tail,
    );
    await writer.append(FEED, submission("writer", 2, 1));
    return relay.appended;
  }

  it("nothing is freed while a writer may still use its cached tail", async () => {
    const passedMillis = SETTINGS.tailCacheMillis;
    const appended = await writeAfterFreeing({ freeGraceMillis: SETTINGS.freeGraceMillis, passedMillis });
    expect(appended).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("the writer reads the tail again once segments may be freed", async () => {
    const passedMillis = SETTINGS.freeGraceMillis + 1;
    const appended = await writeAfterFreeing({ freeGraceMillis: SETTINGS.freeGraceMillis, passedMillis });
    expect(appended).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("without the grace a number is assigned twice", async () => {
    const appended = await writeAfterFreeing({ freeGraceMillis: -1, passedMillis: 0 });
    expect(appended).toEqual([1, 2, 3, 4, 5, 6, 2]);
  });
});
