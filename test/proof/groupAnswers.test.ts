import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auditReferences } from "../../functions/sweep/audit.ts";
import { pause, seek } from "../../shared/groups/groupCursor.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import { timedOut } from "../support/awsErrors.ts";
import { Engine } from "./engine.ts";
import { ACCEPTED, GroupWorld, REFUSED } from "./groupWorld.ts";

/* Answers that are lost, and answers that come at the worst moment. */

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

function inWorld<T>(
  sessions: Parameters<typeof GroupWorld.create>[2],
  run: (world: GroupWorld) => Promise<T>,
): Promise<T> {
  return engine.lend(
    (_call, perform) => perform(),
    async (feed) => run(await GroupWorld.create(engine, feed, sessions)),
  );
}

/** What a retry is told that DynamoDB does not recognise as one: the row has changed, by the write itself. */
function refusedForRow({ input }: AwsCall): Error {
  return new TransactionCanceledException({
    $metadata: { httpStatusCode: 400 },
    message: "Transaction cancelled",
    CancellationReasons: input.TransactItems.map((_item: unknown, index: number) =>
      index === 0 ? { Code: "ConditionalCheckFailed" } : { Code: "None" },
    ),
  });
}

describe("a crossing whose answer is lost", () => {
  const LOST: readonly (readonly [string, (call: AwsCall) => Error])[] = [
    ["and whose retry is recognised by DynamoDB", timedOut],
    ["and whose retry finds the row changed", refusedForRow],
  ];

  /**
   * Two sessions at 1 and one in the last segment, so that the turn knows the whole feed when it begins. Session b has a batch
   * for each number, so that the group is written on the way: it crosses with that write, and when it is parked.
   */
  async function inLongWorld(run: (world: GroupWorld) => Promise<void>): Promise<void> {
    await inWorld({ a: {}, b: { maxBatch: 1 } }, async (world) => {
      await world.join("c", {}, 21);
      await world.append(10, 10, 2);
      await run(world);
    });
  }

  const ALL = Array.from({ length: 22 }, (_, index) => index + 1);
  const sentTo = (world: GroupWorld, name: string) =>
    world.posts.filter(({ session }) => session === name).flatMap(({ sequences }) => sequences);

  describe.each(LOST)("%s", (_what, errorOf) => {
    it.each([
      [1, "that goes on"],
      [2, "that is parked"],
    ])("(crossing %i, of a group %s) is the turn's own: nothing is sent or counted twice", (number, what) =>
      inLongWorld(async (world) => {
        let crossings = 0;
        let lost: AwsCall | undefined;
        await engine.during(
          async (call, perform) => {
            if (call.command !== "TransactWriteItems") return perform();
            crossings += 1;
            const answer = await perform();
            if (crossings !== number) return answer;
            lost = call;
            throw errorOf(call);
          },
          () => world.turn(),
        );
        const values = lost?.input.TransactItems[0].Update.ExpressionAttributeValues;
        expect(values[":state"]?.S).toBe(what === "that is parked" ? "parked" : undefined);
        expect(world.batches("a")).toEqual(["1-22"]);
        expect(sentTo(world, "b")).toEqual(ALL);
        expect(await world.row()).toMatchObject({ state: "parked", segment: 2, fence: 2 });
        expect(await world.stores.references.counts(world.feed)).toEqual(new Map([[2, 1]]));
        expect(await auditReferences(world.stores, world.feed)).toEqual([]);
      }),
    );
  });

  it("three times ends the turn; the next one repeats what was not written, and counts nothing twice", () =>
    inLongWorld(async (world) => {
      await engine.during(
        async (call, perform) => {
          const answer = await perform();
          if (call.command === "TransactWriteItems") throw timedOut();
          return answer;
        },
        () => expect(world.turn()).rejects.toThrow(),
      );
      expect(await world.row()).toMatchObject({ state: "active", segment: 1 });
      expect(await auditReferences(world.stores, world.feed)).toEqual([]);
      world.pass(60_000);
      await world.turn();
      expect(world.batches("a")).toEqual(["1-22"]);
      expect([...new Set(sentTo(world, "b"))]).toEqual(ALL);
      expect(await world.row()).toMatchObject({ state: "parked", segment: 2, fence: 3 });
      expect(await world.stores.references.counts(world.feed)).toEqual(new Map([[2, 1]]));
      expect(await auditReferences(world.stores, world.feed)).toEqual([]);
    }));
});

describe("the write of a late outcome", () => {
  it("whose answer is lost still sends the wake that its session needs", () =>
    inWorld({ b: {} }, async (world) => {
      const answer = Promise.withResolvers<typeof ACCEPTED>();
      world.answer = () => answer.promise;
      await world.append(1);
      const turn = world.turn();
      await world.handedOn("b");
      expect(world.wakes).toEqual([0]);
      let isLost = false;
      await engine.during(
        async (call, perform) => {
          const done = await perform();
          if (isLost || call.command !== "UpdateItem" || call.input.Key.sk.S !== "group") return done;
          isLost = true;
          throw timedOut();
        },
        async () => {
          answer.resolve(REFUSED as never);
          await turn;
        },
      );
      expect(isLost).toBe(true);
      expect(await world.cursor("b")).toMatchObject({ attempts: 1, batchLast: 1 });
      expect(world.wakes).toHaveLength(2);
      expect(world.wakes[1]).toBeGreaterThan(900);
    }));
});

describe("an answer that comes while the turn looks at the row", () => {
  const WHEN = ["before the row is read", "after the row was read"] as const;

  /**
   * Session a is answered at once, so that the turn looks at the row before a's second batch. The answer to b's first batch
   * comes during that look.
   */
  async function answeredDuringLook(
    world: GroupWorld,
    when: (typeof WHEN)[number],
    meanwhile: () => Promise<void> = async () => {},
  ): Promise<void> {
    const answer = Promise.withResolvers<typeof ACCEPTED>();
    let isFirst = true;
    world.answer = ({ session }) => {
      if (session !== "b" || !isFirst) return ACCEPTED;
      isFirst = false;
      return answer.promise;
    };
    let isAnswered = false;
    let isTaken = false;
    const come = async () => {
      isAnswered = true;
      await meanwhile();
      answer.resolve(ACCEPTED);
      // The request ends in microtasks, all of which run before this.
      await new Promise((resolve) => setImmediate(resolve));
    };
    await engine.during(
      async (call, perform) => {
        if (call.command === "UpdateItem" || call.command === "TransactWriteItems") isTaken = true;
        const isLook = isTaken && call.command === "GetItem" && call.input.Key.sk?.S === "group";
        if (!isLook || isAnswered) return perform();
        if (when === "before the row is read") await come();
        const row = await perform();
        if (when === "after the row was read") await come();
        return row;
      },
      () => world.turn(),
    );
    expect(isAnswered).toBe(true);
  }

  it.each(WHEN)("(%s) is taken before the session's next batch: nothing is sent twice", (when) =>
    inWorld({ a: { maxBatch: 1 }, b: { maxBatch: 1 } }, async (world) => {
      await world.append(4);
      await answeredDuringLook(world, when);
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4"]);
      expect(world.batches("b")).toEqual(["1-1", "2-2", "3-3", "4-4"]);
      expect(await world.cursor("b")).toMatchObject({ next: 5, previous: 4, batchLast: undefined });
    }),
  );

  it.each(WHEN)("(%s) counts although a person pauses the session meanwhile, and is the last", (when) =>
    inWorld({ a: { maxBatch: 1 }, b: { maxBatch: 1 } }, async (world) => {
      await world.append(4);
      await answeredDuringLook(world, when, () => world.change("b", pause));
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4"]);
      expect(world.batches("b")).toEqual(["1-1"]);
      expect(await world.cursor("b")).toMatchObject({ stopped: "paused", next: 2, batchLast: undefined });
    }),
  );

  it.each(WHEN)("(%s) is dropped when a person moves the session meanwhile", (when) =>
    inWorld({ a: { maxBatch: 1 }, b: { maxBatch: 1 } }, async (world) => {
      await world.append(4);
      await answeredDuringLook(world, when, () => world.change("b", (cursor) => seek(cursor, 3)));
      const sent = world.posts.filter(({ session }) => session === "b").map(({ id }) => id);
      expect(sent).toEqual(["b-1-1-1", "b-2-3-3", "b-2-4-4"]);
      expect(await world.cursor("b")).toMatchObject({ next: 5, generation: 2 });
      expect(world.batches("a")).toEqual(["1-1", "2-2", "3-3", "4-4"]);
    }),
  );
});
