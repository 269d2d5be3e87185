import { describe, expect, it } from "vitest";
import { Appender } from "../../../functions/ingest/append.ts";
import type { Submission } from "../../../functions/ingest/appendPlan.ts";
import type { AppendResult } from "../../../functions/ingest/appendResult.ts";
import { GroupCommit } from "../../../functions/ingest/groupCommit.ts";
import { MAX_PAGE_MESSAGES } from "../../../shared/queue/pageCodec.ts";
import { ManualClock as SleepingClock } from "../../support/manualClock.ts";
import { event, events, FEED } from "../queue/samples.ts";
import { appendParts, ManualClock, MemoryQueue } from "./memoryQueue.ts";

/** An append that ends when the test lets it. */
class HeldAppender {
  readonly calls: { feed: string; submissions: readonly Submission[]; end: (error?: Error) => void }[] = [];

  append(feed: string, submissions: readonly Submission[]): Promise<AppendResult[]> {
    return new Promise((resolve, reject) => {
      const end = (error?: Error) =>
        error
          ? reject(error)
          : resolve(
              submissions.map((submission) => ({
                first: submission.events.length,
                last: null,
                accepted: 0,
                duplicates: 0,
                refused: [],
              })),
            );
      this.calls.push({ feed, submissions, end });
    });
  }
}

/** Runs everything that is ready. */
const settle = () => new Promise((resolve) => setImmediate(resolve));
const submission = (count: number): Submission => ({ events: events(count) });

describe("GroupCommit", () => {
  it("appends a request at once when no append is in flight", async () => {
    const appender = new HeldAppender();
    const commit = new GroupCommit(appender);
    void commit.append("a", [submission(1)]);
    void commit.append("b", [submission(1)]);
    expect(appender.calls.map(({ feed }) => feed)).toEqual(["a", "b"]);
  });

  it("appends all requests that arrived during the last append together, and gives each request its own results", async () => {
    const appender = new HeldAppender();
    const commit = new GroupCommit(appender);
    const answers = [
      commit.append("a", [submission(1)]),
      commit.append("a", [submission(2), submission(3)]),
      commit.append("a", []),
      commit.append("a", [submission(4)]),
    ];
    expect(appender.calls).toHaveLength(1);
    appender.calls[0]?.end();
    await settle();
    expect(appender.calls.map(({ submissions }) => submissions.length)).toEqual([1, 3]);
    appender.calls[1]?.end();
    const results = await Promise.all(answers);
    expect(results.map((each) => each.map((result) => "first" in result && result.first))).toEqual([
      [1],
      [2, 3],
      [],
      [4],
    ]);
  });

  it("fails every request of a failed group, and continues with the next group", async () => {
    const appender = new HeldAppender();
    const commit = new GroupCommit(appender);
    const first = commit.append("a", [submission(1)]);
    const [second, third] = [commit.append("a", [submission(2)]), commit.append("a", [submission(3)])];
    appender.calls[0]?.end();
    await first;
    await settle();
    const fourth = commit.append("a", [submission(4)]);
    appender.calls[1]?.end(new Error("throttled"));
    await expect(second).rejects.toThrow("throttled");
    await expect(third).rejects.toThrow("throttled");
    await settle();
    appender.calls[2]?.end();
    expect(await fourth).toMatchObject([{ first: 4 }]);
  });

  it("appends at once again after the feed was quiet", async () => {
    const appender = new HeldAppender();
    const commit = new GroupCommit(appender);
    for (let n = 1; n <= 3; n += 1) {
      const answer = commit.append("a", [submission(n)]);
      expect(appender.calls).toHaveLength(n);
      appender.calls[n - 1]?.end();
      expect(await answer).toMatchObject([{ first: n }]);
      await settle();
    }
  });

  it("lets concurrent requests share pages", async () => {
    const queue = new MemoryQueue();
    const parts = appendParts(queue, new ManualClock(), { segmentSize: 1000 });
    const commit = new GroupCommit(new Appender(parts));
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) => commit.append(FEED, [{ events: [event(n)] }])),
    );
    expect(queue.calls.putPage).toBe(2);
    expect(parts.hints).toHaveLength(2);
    expect(results.map(([each]) => each && "first" in each && each.first)).toEqual(
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
  });
});

describe("GroupCommit that gathers", () => {
  const GATHER_MILLIS = 500;

  function gathering(gatherMillis = GATHER_MILLIS) {
    const clock = new SleepingClock();
    const appender = new HeldAppender();
    const stopping = new AbortController();
    const commit = new GroupCommit(appender, { gatherMillis, clock, stopping: stopping.signal });
    const pass = async (millis: number) => {
      clock.pass(millis);
      await settle();
    };
    return { appender, stopping, commit, pass };
  }
  const pagesOf = (appender: HeldAppender) => appender.calls.map(({ submissions }) => submissions.length);

  it("lets two requests within the time share a page", async () => {
    const { appender, commit, pass } = gathering();
    const first = commit.append("a", [submission(1)]);
    await pass(GATHER_MILLIS - 1);
    const second = commit.append("a", [submission(2)]);
    expect(pagesOf(appender)).toEqual([]);
    await pass(1);
    expect(pagesOf(appender)).toEqual([2]);
    appender.calls[0]?.end();
    expect(await Promise.all([first, second])).toMatchObject([[{ first: 1 }], [{ first: 2 }]]);
  });

  it("answers a request that stays alone after the time", async () => {
    const { appender, commit, pass } = gathering();
    const answer = commit.append("a", [submission(1)]);
    await pass(GATHER_MILLIS - 1);
    expect(pagesOf(appender)).toEqual([]);
    await pass(1);
    appender.calls[0]?.end();
    expect(await answer).toMatchObject([{ first: 1 }]);
  });

  it("never waits with a time of 0", () => {
    const { appender, commit } = gathering(0);
    void commit.append("a", [submission(1)]);
    expect(pagesOf(appender)).toEqual([1]);
  });

  it("waits no longer when the clock is set back during an append", async () => {
    const { appender, commit, pass } = gathering(0);
    void commit.append("a", [submission(1)]);
    void commit.append("a", [submission(2)]);
    await pass(-3_600_000);
    appender.calls[0]?.end();
    await settle();
    expect(pagesOf(appender)).toEqual([1, 1]);
  });

  it("counts the time from the request, also when an append was in flight", async () => {
    const { appender, commit, pass } = gathering();
    void commit.append("a", [submission(1)]);
    await pass(GATHER_MILLIS);
    void commit.append("a", [submission(2)]);
    await pass(GATHER_MILLIS - 1);
    appender.calls[0]?.end();
    await settle();
    expect(pagesOf(appender)).toEqual([1]);
    await pass(1);
    expect(pagesOf(appender)).toEqual([1, 1]);
  });

  it("does not wait for more than a page holds", async () => {
    const { appender, commit } = gathering();
    void commit.append("a", [submission(MAX_PAGE_MESSAGES - 1)]);
    await settle();
    expect(pagesOf(appender)).toEqual([]);
    void commit.append("a", [submission(1)]);
    await settle();
    expect(pagesOf(appender)).toEqual([2]);
  });

  it("does not let a request wait that is to be appended at once, nor those that wait with it", async () => {
    const { appender, commit } = gathering();
    void commit.append("b", [submission(1)], { atOnce: true });
    expect(pagesOf(appender)).toEqual([1]);
    void commit.append("a", [submission(1)]);
    await settle();
    void commit.append("a", [submission(2)], { atOnce: true });
    await settle();
    expect(pagesOf(appender)).toEqual([1, 2]);
  });

  it("gathers each feed by itself", async () => {
    const { appender, commit, pass } = gathering();
    void commit.append("a", [submission(1)]);
    await pass(GATHER_MILLIS - 1);
    void commit.append("b", [submission(1)]);
    await pass(1);
    expect(appender.calls.map(({ feed }) => feed)).toEqual(["a"]);
  });

  it("appends what waits when the process stops, and waits no more", async () => {
    const { appender, commit, stopping } = gathering();
    void commit.append("a", [submission(1)]);
    stopping.abort();
    await settle();
    expect(pagesOf(appender)).toEqual([1]);
    void commit.append("b", [submission(1)]);
    expect(pagesOf(appender)).toEqual([1, 1]);
  });
});

describe("GroupCommit of a busy feed", () => {
  function busy(mayWaitMillis: number) {
    const clock = new SleepingClock();
    const appender = new HeldAppender();
    const inVain: boolean[] = [];
    const busyFeeds = {
      came: () => mayWaitMillis,
      waited: (_feed: string, isInVain: boolean) => void inVain.push(isInVain),
    };
    const stopping = new AbortController();
    const commit = new GroupCommit(appender, {
      gatherMillis: 0,
      busyFeeds,
      clock,
      stopping: stopping.signal,
    });
    const pass = async (millis: number) => {
      clock.pass(millis);
      await settle();
    };
    const pages = () => appender.calls.map(({ submissions }) => submissions.length);
    return { appender, commit, pass, inVain, pages };
  }

  it("lets a lone request wait for a second one, and no longer", async () => {
    const { commit, pass, inVain, pages } = busy(8);
    void commit.append("a", [submission(1)]);
    await pass(5);
    expect(pages()).toEqual([]);
    void commit.append("a", [submission(1)]);
    await settle();
    expect(pages()).toEqual([2]);
    expect(inVain).toEqual([false]);
  });

  it("appends a request that stays alone after the time", async () => {
    const { commit, pass, inVain, pages } = busy(8);
    void commit.append("a", [submission(1)]);
    await pass(7);
    expect(pages()).toEqual([]);
    await pass(1);
    expect(pages()).toEqual([1]);
    expect(inVain).toEqual([true]);
  });

  it("lets nobody wait whom an append in flight has kept waiting, if there are two", async () => {
    const { appender, commit, pages } = busy(8);
    void commit.append("b", [submission(1)], { atOnce: true });
    void commit.append("b", [submission(1)]);
    void commit.append("b", [submission(1)]);
    expect(pages()).toEqual([1]);
    appender.calls[0]?.end();
    await settle();
    expect(pages()).toEqual([1, 2]);
  });

  it("says nothing of requests that did not wait", async () => {
    const { commit, inVain, pages } = busy(0);
    void commit.append("a", [submission(1)]);
    await settle();
    expect(pages()).toEqual([1]);
    expect(inVain).toEqual([]);
  });
});
