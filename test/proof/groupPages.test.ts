import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keys } from "../../shared/aws/keys.ts";
import { type GroupCursor, resume, seek } from "../../shared/groups/groupCursor.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import { Engine } from "./engine.ts";
import { GroupWorld } from "./groupWorld.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Pages of five messages in segments of ten. The page that begins at 16 cannot be read. */
function onDamagedFeed<T>(
  sessions: Parameters<typeof GroupWorld.create>[2],
  pages: number,
  run: (world: GroupWorld) => Promise<T>,
): Promise<T> {
  return engine.lend(
    (_call, perform) => perform(),
    async (feed) => {
      const world = await GroupWorld.create(engine, feed, sessions);
      await world.append(...Array<number>(pages).fill(5));
      await engine.clients.documents.send(
        new UpdateCommand({
          TableName: engine.tableNames.queue,
          Key: keys.page(feed, segmentOf(16, 10), 16),
          UpdateExpression: "SET checksum = :other",
          ExpressionAttributeValues: { ":other": 1 },
        }),
      );
      return run(world);
    },
  );
}

/** What a person writes who sends `{"next": 21, "state": "active"}`. */
const goPast = (cursor: GroupCursor) => resume(seek(cursor, 21));

async function errorOf({ stores, feed, idOf }: GroupWorld, name: string): Promise<string | undefined> {
  const session = idOf.call({ feed }, name);
  return (await stores.groups.readErrors([{ feed, session }])).get(session)?.reason;
}

describe("a page that cannot be read", () => {
  it("stops the sessions that come to it, with all before it, and no others", () =>
    onDamagedFeed({ a: {}, b: { maxBatch: 2 } }, 6, async (world) => {
      await world.join("behind", {}, 21);
      await world.turn();
      expect(world.batches("a")).toEqual(["1-15"]);
      expect(world.batches("b")).toEqual([
        "1-2",
        "3-4",
        "5-5",
        "6-7",
        "8-9",
        "10-10",
        "11-12",
        "13-14",
        "15-15",
      ]);
      expect(world.batches("behind")).toEqual(["21-30"]);
      for (const name of ["a", "b"]) {
        expect(await world.cursor(name)).toMatchObject({ next: 16, stopped: "suspended", attempts: 1 });
        expect(await errorOf(world, name)).toBe("page.unreadable");
      }
      expect(await world.row()).toMatchObject({ state: "parked", segment: 1 });

      // They stay stopped, and the one behind it goes on.
      await world.append(2);
      await world.turn();
      expect(world.batches("behind")).toEqual(["21-30", "31-32"]);
      expect(world.batches("a")).toEqual(["1-15"]);
    }));

  it("is passed by a session that a person seeks past it, and its segment is no longer needed", () =>
    onDamagedFeed({ a: {}, b: {} }, 6, async (world) => {
      await world.turn();
      await world.change("a", goPast);
      await world.turn();
      expect([world.batches("a"), world.batches("b")]).toEqual([
        ["1-10", "11-15", "21-30"],
        ["1-10", "11-15"],
      ]);
      expect(await world.row()).toMatchObject({ segment: 1 });
      await world.change("b", goPast);
      await world.turn();
      expect(world.batches("b")).toEqual(["1-10", "11-15", "21-30"]);
      expect(await world.row()).toMatchObject({ segment: 3 });
      expect(await world.stores.references.counts(world.feed)).toEqual(new Map([[3, 1]]));
    }));

  it("hides nothing from a session that is sought past it while the turn that met it still holds the group", () =>
    onDamagedFeed({ a: {} }, 6, async (world) => {
      let isSought = false;
      await engine.during(
        async (call, perform) => {
          const parks =
            call.command === "UpdateItem" &&
            Object.values(call.input.ExpressionAttributeValues).some(
              (value) => (value as { S?: string }).S === "parked",
            );
          if (parks && !isSought && (await world.cursor("a")).stopped === "suspended") {
            isSought = true;
            await world.change("a", goPast);
          }
          return perform();
        },
        () => world.turn(),
      );
      expect(isSought).toBe(true);
      // Nobody sends a wake for a group that is held.
      expect(world.batches("a")).toEqual(["1-10", "11-15", "21-30"]);
    }));

  it("at the end of the feed stops who comes to it, and the feed goes on for who is put behind it", () =>
    onDamagedFeed({ a: {} }, 4, async (world) => {
      await world.turn();
      expect(await world.cursor("a")).toMatchObject({ next: 16, stopped: "suspended" });
      await world.change("a", goPast);
      await world.turn();
      expect(await world.cursor("a")).toMatchObject({ next: 21, stopped: undefined });
      await world.append(1);
      await world.turn();
      expect(world.batches("a")).toEqual(["1-10", "11-15", "21-21"]);
    }));
});
