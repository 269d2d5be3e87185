import { randomUUID } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { notify } from "../../functions/notify/notify.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { keys } from "../../shared/aws/keys.ts";
import { openQueue } from "../../shared/aws/openQueue.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { type Cursor, newCursor, park, take } from "../../shared/sessions/cursor.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import { hostileAws } from "../support/hostileAws.ts";
import { noGroups } from "../support/memoryRelay.ts";
import { storedPage } from "../unit/queue/samples.ts";
import { Engine } from "./engine.ts";

const NOW = 1_800_000_000_000;
const HELD = { batchLast: undefined, leaseMillis: 20_000, nowEpochMillis: NOW };
const clock = { nowEpochMillis: () => NOW, sleep: async () => {} };

let engine: Engine;
let heads: HeadStore;
let cursors: CursorStore;
let references: ReferenceStore;

beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());
beforeEach(() => {
  const { documents } = engine.clients;
  heads = new HeadStore(documents, engine.tableNames.queue);
  references = new ReferenceStore(documents, engine.tableNames.queue, clock);
  cursors = new CursorStore(documents, engine.tableNames.cursors, references, randomUUID, clock);
});

function cursorOf(feed: string, sessionId: string): Cursor {
  return newCursor({
    feed,
    session: sessionId,
    next: 1,
    segmentSize: 10,
    interest: undefined,
    nowEpochMillis: NOW,
  });
}

const isWrite = ({ command }: AwsCall) => /^(Put|Update|Delete|Transact)/.test(command);

describe("freeing a segment", () => {
  it("does not happen when a session enters the segment at the last moment", async () => {
    let isComing = true;
    const moved = await engine.lend(
      async (call, perform) => {
        if (isComing && isWrite(call) && JSON.stringify(call.input).includes("headSegment = :next")) {
          isComing = false;
          await cursors.create(cursorOf(feedOf(call), "late"));
        }
        return perform();
      },
      async (feed) => {
        await heads.createFeed(feed, 10);
        return { moved: await heads.moveHead(feed, 0), head: (await heads.readHead(feed))?.headSegment };
      },
    );
    expect(isComing).toBe(false);
    expect(moved).toEqual({ moved: false, head: 0 });
  });
});

describe("crossing into another segment", () => {
  it.each([1, 2, 3])(
    "leaves counts that equal the cursors when the process dies after write %i",
    async (last) => {
      let writes = Number.NaN;
      const counted = await engine.lend(
        async (call, perform) => {
          if (!isWrite(call) || Number.isNaN(writes)) return perform();
          writes += 1;
          if (writes > last) throw new Error("the process is dead");
          return perform();
        },
        async (feed) => {
          await heads.createFeed(feed, 10);
          await cursors.create(cursorOf(feed, "s"));
          const held = await cursors.write(cursorOf(feed, "s"), take(cursorOf(feed, "s"), HELD));
          writes = 0;
          await cursors.write(held, { ...park({ ...held, next: 11 }, NOW), segment: 1 }).catch(() => {});
          const row = await cursors.readCursor(feed, "s");
          return { row: row?.segment, counts: [...(await references.counts(feed))] };
        },
      );
      expect(counted.counts).toEqual([[counted.row, 1]]);
    },
  );
});

describe("notify", () => {
  it("wakes a session that parked just now, although reads that are not consistent return old rows", async () => {
    const woken: string[] = [];
    const parts = {
      ...noGroups,
      tails: openQueue(engine.environment, engine.clients, clock).tails,
      cursors,
      wakes: {
        sendWakes: async (rows: readonly Cursor[]) => {
          woken.push(...rows.map(({ session }) => session));
          return [...rows];
        },
      },
      clock,
    };
    await engine.lend(
      hostileAws(({ input }) => (input.ConsistentRead ? undefined : "stale")),
      async (feed) => {
        await heads.createFeed(feed, 10);
        await cursors.create(cursorOf(feed, "s"));
        const held = await cursors.write(cursorOf(feed, "s"), take(cursorOf(feed, "s"), HELD));
        const Item = { ...keys.page(feed, 0, 1), ...storedPage(1, 1) };
        await engine.clients.documents.send(new PutCommand({ TableName: engine.tableNames.queue, Item }));
        const hint = { feed, first: 1, next: 2, names: ["A"] };
        await notify(parts, feed, [hint]);
        expect(woken).toEqual([]);
        await cursors.write(held, park(held, NOW));
        await notify(parts, feed, [hint]);
      },
    );
    expect(woken).toEqual(["s"]);
  });
});

/** The feed whose head the call moves, if any. */
function feedOf({ input }: AwsCall): string {
  const [first = { Update: input }] = input.TransactItems ?? [];
  const { sk } = first.Update.Key;
  return sk.S ?? sk;
}
