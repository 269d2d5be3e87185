import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DeliverGroupParts, deliverGroup } from "../../functions/deliver/deliverGroup.ts";
import { pause, reconfigure, resume, seek } from "../../shared/groups/groupCursor.ts";
import { FeedAdvances } from "../../shared/queue/feedAdvances.ts";
import type { AwsCall, Intercept } from "../support/awsCalls.ts";
import { conflicting, timedOut } from "../support/awsErrors.ts";
import { eventually } from "../support/eventually.ts";
import { Engine } from "./engine.ts";
import { ACCEPTED, GroupWorld, type Post, REFUSED } from "./groupWorld.ts";

let engine: Engine;

beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

const undisturbed: Intercept = (_call, perform) => perform();
const TWO = { a: {}, b: { maxBatch: 2 } };

function inWorld<T>(
  sessions: Parameters<typeof GroupWorld.create>[2],
  run: (world: GroupWorld) => Promise<T>,
): Promise<T> {
  return engine.lend(undisturbed, async (feed) => run(await GroupWorld.create(engine, feed, sessions)));
}

/** Counts calls while `act` runs, by command; reads of pages are queries. */
async function counted(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await engine.during((call, perform) => {
    counts[call.command] = (counts[call.command] ?? 0) + 1;
    return perform();
  }, act);
  return counts;
}

const isGroupWrite = ({ command, input }: AwsCall) =>
  (command === "UpdateItem" && input.Key.sk.S === "group") || command === "TransactWriteItems";

/** A request that is answered when the test says so. */
function held() {
  const answer = Promise.withResolvers<typeof ACCEPTED>();
  return { until: answer.promise, release: (outcome = ACCEPTED) => answer.resolve(outcome) };
}

describe("a turn of a group", () => {
  it("reads a page once, serves each session at its own pace, and writes the row twice", () =>
    inWorld(TWO, async (world) => {
      await world.append(5);
      const calls = await counted(() => world.turn());
      expect(world.batches("a")).toEqual(["1-5"]);
      expect(world.batches("b")).toEqual(["1-2", "3-4", "5-5"]);
      expect(calls.UpdateItem).toBe(2);
      // The tail with its page, and the tail after parking.
      expect(calls.Query).toBe(2);
      const row = await world.row();
      expect(row).toMatchObject({ state: "parked", fence: 2 });
      expect([row.planned, row.leaseUntilEpochMillis]).toEqual([undefined, undefined]);
      expect(await world.cursor("a")).toMatchObject({ next: 6, previous: 5, attempts: 0 });
      expect(await world.cursor("b")).toMatchObject({ next: 6, previous: 5, batchLast: undefined });
      expect(world.posts.map(({ epoch }) => epoch)).toEqual([3, 3, 3, 3]);
    }));

  it("is not begun when nobody has anything to read", () =>
    inWorld(TWO, async (world) => {
      expect((await counted(() => world.turn())).UpdateItem).toBeUndefined();
    }));

  it("ends at its first rest once its time for that has come, and needs no wake: the next page wakes the group", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 5_000 };
      for (const count of [1, 1]) {
        await world.append(count);
        const begunAt = performance.now();
        await world.turn(10_000, 0);
        // The feed is busy the second time, and the turn would linger.
        expect(performance.now() - begunAt).toBeLessThan(2_000);
        expect(await world.row()).toMatchObject({ state: "parked" });
      }
      expect(world.batches("a")).toEqual(["1-1", "2-2"]);
      expect(world.wakes).toEqual([]);
    }));

  it("does not end at a rest while a session has more to get", () =>
    inWorld({ a: { maxBatch: 1 } }, async (world) => {
      await world.append(6);
      await world.turn(10_000, 0);
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4", "5-5", "6-6"]);
    }));

  it("whose time is over and that has nothing left parks its group without a wake", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 5_000 };
      await world.append(1);
      await world.turn();
      await world.append(1);
      await world.turn(300);
      expect(await world.row()).toMatchObject({ state: "parked" });
      expect(world.batches("b")).toEqual(["1-1", "2-2"]);
      expect(world.wakes).toEqual([]);
    }));

  it("writes the row once for each page of a busy feed", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 5_000 };
      await world.append(1);
      await world.turn();
      await world.append(1);
      let writes = 0;
      await engine.during(
        (call, perform) => {
          if (isGroupWrite(call)) writes += 1;
          return perform();
        },
        async () => {
          const turn = world.turn();
          for (let page = 3; page <= 8; page += 1) {
            await eventually("the page before", () => world.batches("b").length === page - 1);
            await world.append(1);
          }
          await eventually("the last page", () => world.batches("b").length === 8);
          world.stopping.abort();
          await turn;
        },
      );
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4", "5-5", "6-6", "7-7", "8-8"]);
      expect(world.batches("b")).toEqual(world.batches("a"));
      // The take, one for each further page, and the park.
      expect(writes).toBe(8);
    }));

  it("tells ingest when it has ended: the next page finds no one awake", () =>
    inWorld(TWO, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 60_000 };
      const advances = new FeedAdvances(world.clock);
      const ended: string[] = [];
      advances.onTurnEnded((feed) => void ended.push(feed));
      await world.append(1);
      const wake = { feed: world.feed, group: "group" };
      const runTurn = () => deliverGroup(world.process(advances), wake, 60_000);
      await runTurn();
      expect(ended).toEqual([world.feed]);
      await world.append(1);
      const lingering = runTurn();
      await eventually("the second page", () => world.batches("a").length === 2);
      expect(ended).toEqual([world.feed]);
      world.stopping.abort();
      await lingering;
      expect(ended).toEqual([world.feed, world.feed]);
    }));

  it("sends a backlog of several reads before it waits for a tick", () =>
    inWorld({ a: {} }, async (world) => {
      await world.append(1);
      await world.turn();
      world.settings = { ...world.settings, lingerMillis: 60_000 };
      await world.append(9, 10, 10, 2);
      const { followerOf, ...parts } = world.process();
      const withoutTicks: DeliverGroupParts["followerOf"] = (feed, segmentSize) =>
        Object.assign(followerOf(feed, segmentSize), {
          nextTick: (_mark: number, ...signals: AbortSignal[]) => world.clock.sleep(60_000, ...signals),
        });
      const wake = { feed: world.feed, group: "group" };
      const turn = deliverGroup({ ...parts, followerOf: withoutTicks }, wake, 60_000);
      await eventually("the last page", () => world.batches("a").includes("31-32"));
      world.stopping.abort();
      await turn;
      expect(world.batches("a")).toEqual(["1-1", "2-10", "11-20", "21-30", "31-32"]);
    }));

  it("does not read on for sessions that have failed", () =>
    inWorld({ a: {} }, async (world) => {
      await world.append(10, 10, 10, 10, 10, 10);
      world.answer = () => REFUSED;
      const calls = await counted(() => world.turn());
      expect(world.batches("a")).toEqual(["1-10"]);
      // The tail with its pages, and the tail after parking.
      expect(calls.Query).toBe(2);
    }));

  it("does not look for pages while all its sessions wait for answers", () =>
    inWorld({ a: {} }, async (world) => {
      const { until, release } = held();
      world.answer = () => until;
      await world.append(1);
      const turn = world.turn();
      await eventually("the request", () => world.posts.length === 1);
      const calls = await counted(async () => {
        await world.append(1);
        await eventually(
          "the end of the patience",
          async () => (await world.row()).state === "parked",
          5_000,
        );
      });
      expect(calls.Query).toBeUndefined();
      release();
      await turn;
    }));

  it("reads the tail again after parking: a page that came meanwhile had nobody to wake", () =>
    inWorld(TWO, async (world) => {
      await world.append(2);
      let writes = 0;
      await engine.during(
        async (call, perform) => {
          if (!isGroupWrite(call)) return perform();
          writes += 1;
          if (writes === 2) await world.append(1);
          return perform();
        },
        () => world.turn(),
      );
      expect(world.batches("a")).toEqual(["1-2", "3-3"]);
      expect(await world.row()).toMatchObject({ state: "parked", fence: 3 });
    }));

  it("also reads the tail again when the answer of its parking is lost", () =>
    inWorld(TWO, async (world) => {
      await world.append(2);
      let writes = 0;
      await engine.during(
        async (call, perform) => {
          if (isGroupWrite(call)) writes += 1;
          if (writes !== 2 || !isGroupWrite(call)) return perform();
          await perform();
          await world.append(1);
          throw timedOut();
        },
        () => world.turn(),
      );
      expect(world.batches("a")).toEqual(["1-2", "3-3"]);
    }));

  it("two turns that read the group at the same time: one serves it, the other ends", () =>
    inWorld(TWO, async (world) => {
      await world.append(2);
      const areBothRead = Promise.withResolvers<void>();
      const haveBothTried = Promise.withResolvers<void>();
      // The winner still holds the group when the other tries to take it.
      world.answer = () => haveBothTried.promise.then(() => ACCEPTED);
      let reads = 0;
      let writes = 0;
      await engine.during(
        async (call, perform) => {
          if (!isGroupWrite(call)) {
            const answer = await perform();
            if (call.command === "GetItem" && call.input.Key.sk?.S === "group") reads += 1;
            if (reads === 2) areBothRead.resolve();
            return answer;
          }
          await areBothRead.promise;
          try {
            return await perform();
          } finally {
            writes += 1;
            if (writes === 2) haveBothTried.resolve();
          }
        },
        () => Promise.all([world.turn(), world.turn()]),
      );
      expect(world.posts.map(({ id }) => id).sort()).toEqual(["a-1-1-2", "b-1-1-2"]);
      expect(await world.row()).toMatchObject({ state: "parked", fence: 2 });
    }));

  it("does not serve paused sessions, and sends a resumed one what it missed", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      await world.change("b", pause);
      await world.append(3);
      await world.turn();
      expect(world.batches("b")).toEqual([]);
      await world.change("b", resume);
      await world.turn();
      expect([world.batches("a"), world.batches("b")]).toEqual([["1-3"], ["1-3"]]);
    }));

  it("crosses with its slowest session; a conflict leaves it counted in the old segment", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      await world.append(10, 2);
      await engine.during(
        async (call, perform) => {
          if (call.command === "TransactWriteItems") throw conflicting(call);
          return perform();
        },
        () => world.turn(),
      );
      expect(world.batches("a")).toEqual(["1-10", "11-12"]);
      expect(await world.row()).toMatchObject({ state: "parked", segment: 0 });
      expect(await world.stores.references.counts(world.feed)).toEqual(new Map([[0, 1]]));
      await world.append(1);
      await world.turn();
      expect(await world.row()).toMatchObject({ segment: 1 });
      expect(await world.stores.references.counts(world.feed)).toEqual(new Map([[1, 1]]));
    }));

  it("repairs nothing by itself: a session that is gone from the Sessions table is not served, and the others are", () =>
    inWorld(TWO, async (world) => {
      await world.append(1);
      const parts = world.process();
      const { deliverGroup } = await import("../../functions/deliver/deliverGroup.ts");
      await deliverGroup(
        {
          ...parts,
          outletOf: async (id, revision) =>
            id === world.idOf("b") ? undefined : parts.outletOf(id, revision),
        },
        { feed: world.feed, group: "group" },
        1_000,
      );
      expect([world.batches("a"), world.batches("b")]).toEqual([["1-1"], []]);
      expect(await world.row()).toMatchObject({ state: "parked" });
    }));
});

describe("a request that hangs", () => {
  it("holds up neither the others' next page nor the end of the turn, and its batch is sent once", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      const hung = held();
      world.answer = ({ session }) => (session === "b" ? hung.until : ACCEPTED);
      await world.append(2);
      const first = world.turn(2_000);
      await eventually("the first page", () => world.batches("a").length === 1);
      await world.append(1);
      await eventually("the second page", () => world.batches("a").length === 2, 1_000);
      await world.handedOn("b");
      expect(await world.cursor("b")).toMatchObject({ next: 1, batchLast: 2, requests: 1 });
      expect(world.wakes).toEqual([0]);

      // The next turn serves the others, and not the session with the request under way.
      await world.append(1);
      await world.turn(300);
      expect(world.batches("a")).toEqual(["1-2", "3-3", "4-4"]);
      expect(world.batches("b")).toEqual(["1-2"]);

      world.answer = () => ACCEPTED;
      hung.release();
      await first;
      expect(await world.cursor("b")).toMatchObject({
        next: 3,
        requests: 1,
      });
      expect(world.wakes).toEqual([0, 0]);
      await world.turn();
      expect(world.batches("b")).toEqual(["1-2", "3-4"]);
    }));

  it("ends the turn when there is nothing else to do, long before the turn's time is over", () =>
    inWorld(TWO, async (world) => {
      const hung = held();
      world.answer = ({ session }) => (session === "b" ? hung.until : ACCEPTED);
      await world.append(2);
      const turn = world.turn(60_000);
      await world.handedOn("b");
      hung.release();
      await turn;
      expect(await world.cursor("b")).toMatchObject({ next: 3 });
    }));

  it("is given up when its time is over: the batch is repeated, and the old outcome no longer counts", () =>
    inWorld({ b: { maxBatch: 2 } }, async (world) => {
      const hung = held();
      world.answer = () => hung.until;
      await world.append(4);
      const first = world.turn();
      await world.handedOn("b");
      world.pass(60_000);
      const refused: Post[] = [];
      world.answer = (post) => {
        refused.push(post);
        return REFUSED;
      };
      await world.turn();
      expect(world.batches("b")).toEqual(["1-2", "1-2"]);
      expect(refused.map(({ id }) => id)).toEqual([world.posts[0]?.id]);
      const failing = await world.cursor("b");
      expect(failing).toMatchObject({ next: 1, batchLast: 2, attempts: 1 });
      hung.release();
      await first;
      expect(await world.cursor("b")).toEqual(failing);
    }));

  it("fails late: the session waits for its due time, and a wake comes then", () =>
    inWorld({ b: {} }, async (world) => {
      const hung = held();
      world.answer = () => hung.until;
      await world.append(1);
      const turn = world.turn();
      await world.handedOn("b");
      hung.release({ ...REFUSED } as never);
      await turn;
      expect(await world.cursor("b")).toMatchObject({ next: 1, attempts: 1, batchLast: 1 });
      expect(world.wakes[0]).toBe(0);
      expect(world.wakes[1]).toBeGreaterThan(900);
    }));
});

describe("an endpoint that fails", () => {
  it("is retried with the same batch when it is due; the others go on, and people see why", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.answer = ({ session }) => (session === "b" ? REFUSED : ACCEPTED);
      await world.append(2);
      await world.turn();
      await world.append(1);
      await world.turn();
      expect(world.batches("a")).toEqual(["1-2", "3-3"]);
      expect(world.batches("b")).toEqual(["1-2"]);
      expect(await world.cursor("b")).toMatchObject({ next: 1, batchLast: 2, attempts: 1 });
      expect(world.wakes).toEqual([3_000]);
      const [error] = await world.stores.groups.readErrors([{ feed: world.feed, session: world.idOf("b") }]);
      expect(error?.[1]).toMatchObject({ reason: "http.status", status: 500 });

      world.pass(6_000);
      world.answer = () => ACCEPTED;
      await world.turn();
      expect(world.batches("b")).toEqual(["1-2", "1-2", "3-3"]);
      const [sent, again] = world.posts.filter(({ session }) => session === "b");
      expect(again?.id).toBe(sent?.id);
      expect(await world.cursor("b")).toMatchObject({ next: 4, attempts: 0 });
    }));

  it("that is gone is suspended, with its batch", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.answer = ({ session }) => (session === "b" ? { ...REFUSED, status: 410 } : ACCEPTED);
      await world.append(2);
      await world.turn();
      expect(await world.cursor("b")).toMatchObject({ stopped: "suspended", attempts: 1, batchLast: 2 });
      expect(world.wakes).toEqual([]);
      expect(world.batches("a")).toEqual(["1-2"]);
    }));

  it("because the relay has no descriptors left is not blamed: the session waits a little", () =>
    inWorld({ a: {}, b: {} }, async (world) => {
      world.answer = ({ session }) =>
        session === "b" ? { ...REFUSED, reason: "relay.exhausted" } : ACCEPTED;
      await world.append(2);
      await world.turn();
      expect(await world.cursor("b")).toMatchObject({ attempts: 0, batchLast: 2, next: 1 });
      expect(world.wakes).toEqual([5_000]);
      expect(world.batches("a")).toEqual(["1-2"]);
    }));

  it("a filter that cannot be used stops its own session only", () =>
    inWorld({ a: {}, b: { filter: { eventFilters: ["Name(NoSuchMethod): ("] } } }, async (world) => {
      await world.append(2);
      await world.turn();
      expect(await world.cursor("b")).toMatchObject({ stopped: "suspended" });
      expect(world.batches("a")).toEqual(["1-2"]);
    }));
});

describe("a person", () => {
  it("who pauses a session with a backlog stops it before its next batch, and the others get theirs once", () =>
    inWorld({ a: { maxBatch: 1 }, b: { maxBatch: 1 } }, async (world) => {
      await world.append(6);
      world.answer = async ({ session, sequences }) => {
        if (session === "b" && sequences[0] === 2) await world.change("b", pause);
        return ACCEPTED;
      };
      await world.turn();
      expect(world.batches("b")).toEqual(["1-1", "2-2"]);
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4", "5-5", "6-6"]);
      expect(await world.cursor("b")).toMatchObject({ stopped: "paused", next: 3 });
      expect(await world.row()).toMatchObject({ state: "parked", fence: 2 });
    }));

  it("who seeks back during a request gets it all again, under new ids and a higher epoch", () =>
    inWorld({ a: {}, b: { maxBatch: 2 } }, async (world) => {
      await world.append(4);
      let isSought = false;
      world.answer = async ({ session, sequences }) => {
        if (session === "b" && sequences[0] === 3 && !isSought) {
          isSought = true;
          await world.change("b", (cursor) => seek(cursor, 1));
        }
        return ACCEPTED;
      };
      await world.turn();
      expect(world.batches("b")).toEqual(["1-2", "3-4", "1-2", "3-4"]);
      const sent = world.posts.filter(({ session }) => session === "b");
      expect(new Set(sent.map(({ id }) => id)).size).toBe(4);
      expect(sent[2]?.epoch).toBeGreaterThan(sent[1]?.epoch ?? 0);
      expect(await world.cursor("b")).toMatchObject({ next: 5, generation: 2 });
      expect(world.batches("a")).toEqual(["1-4"]);
    }));

  it("who changes the size of batches gets the new size from then on", () =>
    inWorld({ b: { maxBatch: 1 } }, async (world) => {
      await world.append(5);
      world.answer = async ({ sequences }) => {
        if (sequences[0] === 2) await world.change("b", reconfigure, { maxBatch: 10 });
        return ACCEPTED;
      };
      await world.turn();
      // The first batch was accepted and not written yet, so it comes again with the rest.
      expect(world.batches("b")).toEqual(["1-1", "2-2", "1-5"]);
    }));

  it("who deletes a session ends its part of the turn; a session that joins is served by it", () =>
    inWorld({ a: { maxBatch: 1 }, b: { maxBatch: 1 } }, async (world) => {
      await world.append(4);
      world.answer = async ({ session, sequences }) => {
        if (session === "b" && sequences[0] === 2) {
          // While b is there, its request keeps the turn from ending.
          await world.join("c");
          const session = await world.stores.sessions.readSession(world.idOf("b"));
          if (session?.kind !== "webhook") throw new Error("gone");
          await world.stores.sessions.leave(await world.row(), session, undefined);
        }
        return ACCEPTED;
      };
      await world.turn();
      expect(world.batches("b")).toEqual(["1-1", "2-2"]);
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4"]);
      expect(world.batches("c")).toEqual(["1-4"]);
      expect(Object.keys((await world.row()).cursors).sort()).toEqual(
        ["a", "c"].map((each) => world.idOf(each)),
      );
    }));
});

describe("a write whose answer is lost", () => {
  it.each([1, 2, 3])("(number %i) is recognised: nothing is sent twice, and the group is parked", (lost) =>
    inWorld({ a: {}, b: { maxBatch: 1 } }, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 200 };
      await world.append(2);
      let writes = 0;
      let isLost = false;
      await engine.during(
        async (call, perform) => {
          const answer = await perform();
          if (!isGroupWrite(call)) return answer;
          writes += 1;
          if (writes !== lost) return answer;
          isLost = true;
          throw timedOut();
        },
        async () => {
          const turn = world.turn();
          await eventually("the first page", () => world.batches("b").length === 2);
          await world.append(1);
          await turn;
          await world.turn();
        },
      );
      expect(isLost).toBe(true);
      expect(world.batches("a")).toEqual(["1-2", "3-3"]);
      expect(world.batches("b")).toEqual(["1-1", "2-2", "3-3"]);
      expect(await world.row()).toMatchObject({ state: "parked" });
    }),
  );
});

describe("a process that dies", () => {
  const calls = Array.from({ length: 16 }, (_, index) => index + 1);

  it.each(calls)("at its call %i is followed by one that sends the same batches under the same ids", (last) =>
    inWorld({ a: { maxBatch: 2 }, b: { maxBatch: 1 }, c: {} }, async (world) => {
      world.settings = { ...world.settings, lingerMillis: 100 };
      await world.append(3);
      // The feed grows under the turns, so that each of them plans anew.
      world.answer = async ({ session }) => {
        if (session === "b" && world.posts.length < 40) await world.append(1);
        return ACCEPTED;
      };
      for (let death = 0; death < 2; death += 1) {
        let made = 0;
        // A dead process neither calls nor hears.
        const dying: Intercept = async (call, perform) => {
          made += 1;
          if (call.command !== "PutItem" && made > last + death) throw new Error("the process is dead");
          return perform();
        };
        await engine.during(dying, () => world.turn(400).catch(() => {}));
        world.pass(60_000);
      }
      world.answer = () => ACCEPTED;
      await world.turn();
      await world.turn();
      const contents = new Map<string, string>();
      for (const { id, sequences } of world.posts) {
        const before = contents.get(id) ?? String(sequences);
        expect(`${id}: ${sequences}`).toBe(`${id}: ${before}`);
        contents.set(id, before);
      }
      for (const name of ["a", "b", "c"]) {
        const sent = world.posts.filter(({ session }) => session === name);
        const firsts = new Set(sent.map(({ sequences }) => sequences[0]));
        // No two batches overlap unless they are the same.
        expect(firsts.size).toBe(new Set(sent.map(({ id }) => id)).size);
        const all = sent.flatMap(({ sequences }) => sequences);
        const tail = (await world.cursor("a")).next - 1;
        expect([...new Set(all)].sort((x, y) => x - y)).toEqual(
          Array.from({ length: tail }, (_, index) => index + 1),
        );
      }
    }),
  );
});
