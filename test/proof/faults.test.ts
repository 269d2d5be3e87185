import { randomUUID } from "node:crypto";
import { TransactionConflictException } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { keys } from "../../shared/aws/keys.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { FenceLostError, RelayError, TransactionRefusedError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { advance, type Cursor, newCursor, park, take } from "../../shared/sessions/cursor.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import { type Fault, hostileAws } from "../support/hostileAws.ts";
import { storedPage } from "../unit/queue/samples.ts";
import { Engine } from "./engine.ts";

const NOW = 1_800_000_000_000;
const HELD = { batchLast: undefined, leaseMillis: 20_000, nowEpochMillis: NOW };

let engine: Engine;
let cursors: CursorStore;
let references: ReferenceStore;
let paused: number[];
let clock: Clock;

beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());
beforeEach(() => {
  paused = [];
  clock = { nowEpochMillis: () => NOW, sleep: async (millis) => void paused.push(millis) };
  const { documents } = engine.clients;
  references = new ReferenceStore(documents, engine.tableNames.queue, clock);
  cursors = new CursorStore(documents, engine.tableNames.cursors, references, randomUUID, clock);
});

/** Runs `act` with the fault in the first `times` calls of this command. */
function withFault<T>(
  fault: Fault,
  command: string,
  act: (feed: string) => Promise<T>,
  times = 1,
): Promise<{ result: T; calls: string[] }> {
  let left = times;
  const calls: string[] = [];
  const intercept = hostileAws((call: AwsCall) => {
    calls.push(call.command);
    if (call.command !== command || left === 0) return undefined;
    left -= 1;
    return fault;
  });
  return engine.lend(intercept, async (feed) => ({ result: await act(feed), calls }));
}

/** A new feed with segments of ten numbers, and its one session: at number 1, counted in segment 0. */
async function born(feed: string): Promise<Cursor> {
  const { documents } = engine.clients;
  await new HeadStore(documents, engine.tableNames.queue).createFeed(feed, 10);
  const cursor = newCursor({
    feed,
    session: "s",
    next: 1,
    segmentSize: 10,
    interest: undefined,
    nowEpochMillis: NOW,
  });
  await cursors.create(cursor);
  return cursor;
}

describe("the response to a write of a cursor is lost", () => {
  it("taking the lease: the SDK's retry finds the lease taken, and the store recognises its own write", async () => {
    const { result, calls } = await withFault("timed out after", "UpdateItem", async (feed) => {
      const cursor = await born(feed);
      return [await cursors.write(cursor, take(cursor, HELD)), await cursors.readCursor(feed, "s")];
    });
    expect(result[0]).toMatchObject({ state: "active", fence: 2 });
    expect(result[1]).toMatchObject({ state: "active", fence: 2 });
    expect(calls.filter((command) => command === "UpdateItem")).toHaveLength(2);
  });

  it("parking: the store recognises its own write, so the tail is read again afterwards", async () => {
    const { result } = await withFault(
      "timed out after",
      "UpdateItem",
      async (feed) => {
        const cursor = await born(feed);
        const held = await cursors.write(cursor, take(cursor, HELD));
        return cursors.write(held, park(held, NOW));
      },
      2,
    );
    expect(result).toMatchObject({ state: "parked", fence: 2 });
  });

  it("crossing: the reference moves once, because the transaction carries a token", async () => {
    const { result } = await withFault(
      "timed out after",
      "TransactWriteItems",
      async (feed) => {
        // The first transaction creates the session. Its response is lost too.
        const cursor = await born(feed);
        const held = await cursors.write(cursor, take(cursor, HELD));
        await cursors.write(held, { ...advance({ ...held, next: 11 }, HELD), segment: 1 });
        return references.counts(feed);
      },
      2,
    );
    expect(result).toEqual(new Map([[1, 1]]));
  });

  it("a row that another holder has changed is not taken for its own", async () => {
    await withFault("throttled", "none", async (feed) => {
      const cursor = await born(feed);
      await cursors.write(cursor, take(cursor, HELD));
      await expect(cursors.write(cursor, take(cursor, HELD))).rejects.toThrow(FenceLostError);
    });
  });
});

describe("a transaction is in flight on an item", () => {
  it("a plain write, which wrote nothing, is retried by the SDK", async () => {
    const { result, calls } = await withFault("conflict", "UpdateItem", async (feed) => {
      const cursor = await born(feed);
      return cursors.write(cursor, take(cursor, HELD));
    });
    expect(result).toMatchObject({ state: "active", fence: 2 });
    expect(calls.filter((command) => command === "UpdateItem")).toHaveLength(2);
  });

  it("a plain write that meets a transaction at every try is refused as a retryable conflict", async () => {
    await withFault(
      "conflict",
      "UpdateItem",
      async (feed) => {
        const cursor = await born(feed);
        const refused = await cursors.write(cursor, take(cursor, HELD)).catch((error: unknown) => error);
        expect(refused).toBeInstanceOf(TransactionRefusedError);
        expect(refused).toMatchObject({ retryable: true, facts: { cause: "conflict" } });
      },
      99,
    );
  });

  it.each(["conflict", "throttled"] as const)(
    "a crossing that is refused (%s) leaves the session counted where it was",
    async (fault) => {
      await engine.lend(
        hostileAws(() => undefined),
        async (feed) => {
          const cursor = await born(feed);
          const held = await cursors.write(cursor, take(cursor, HELD));
          const hostile = hostileAws(({ command }) => (command === "TransactWriteItems" ? fault : undefined));
          const crossing = engine.during(hostile, () =>
            cursors.write(held, { ...advance({ ...held, next: 11 }, HELD), segment: 1 }),
          );
          await expect(crossing).rejects.toMatchObject({ code: "transaction.refused", retryable: true });
          expect(await references.counts(feed)).toEqual(new Map([[0, 1]]));
          expect(await cursors.readCursor(feed, "s")).toMatchObject({ segment: 0, next: 1 });
        },
      );
    },
  );

  it("writes of the head, such as the tail hint, succeed in the end", async () => {
    const { result } = await withFault("conflict", "UpdateItem", async (feed) => {
      const heads = new HeadStore(engine.clients.documents, engine.tableNames.queue);
      await heads.createFeed(feed, 10);
      await heads.moveTailHint(feed, 7);
      return heads.readHead(feed);
    });
    expect(result).toMatchObject({ tailHint: 7 });
  });

  it("the injected conflict is the error that AWS throws", async () => {
    await withFault(
      "conflict",
      "PutItem",
      async () => {
        const put = new PutCommand({ TableName: engine.tableNames.queue, Item: { pk: "x", sk: "x" } });
        await expect(engine.clients.documents.send(put)).rejects.toThrow(TransactionConflictException);
      },
      99,
    );
  });
});

describe("a throttled batch call leaves items unprocessed", () => {
  it("deletions are retried after growing pauses until all items are gone", async () => {
    const { result } = await withFault(
      "unprocessed",
      "BatchWriteItem",
      async (feed) => {
        const pages = new PageStore(engine.clients.documents, engine.tableNames.queue, clock);
        await putPages(feed, 3);
        await pages.deletePages(feed, 0);
        return pages.listPages(feed, 0);
      },
      4,
    );
    expect(result).toEqual([]);
    expect(paused).toEqual([25, 50, 100, 200]);
  });

  it("deletions fail with an error that names the throttling when it never ends", async () => {
    await withFault(
      "unprocessed",
      "BatchWriteItem",
      async (feed) => {
        const pages = new PageStore(engine.clients.documents, engine.tableNames.queue, clock);
        await putPages(feed, 3);
        const error = await pages.deletePages(feed, 0).catch((each: unknown) => each);
        expect(error).toBeInstanceOf(RelayError);
        expect(error).toMatchObject({ code: "aws.unprocessed", retryable: true });
        expect(await pages.listPages(feed, 0)).toHaveLength(3);
      },
      99,
    );
    expect(paused.length).toBe(10);
  });

  it("reads are retried too", async () => {
    const { result } = await withFault("unprocessed", "BatchGetItem", async (feed) => {
      await born(feed);
      return cursors.readCursors([{ feed, session: "s" }]);
    });
    expect(result).toMatchObject([{ session: "s" }]);
  });
});

describe("freed pages are deleted while a writer searches for the tail from an old head", () => {
  it("the segment's last page is deleted after all the others", async () => {
    const seen: string[] = [];
    await engine.lend(
      async (call, perform) => {
        const requests = Object.values(call.input.RequestItems ?? {}).flat() as {
          DeleteRequest: { Key: { sk: { S: string } } };
        }[];
        if (call.command === "BatchWriteItem")
          seen.push(requests.map(({ DeleteRequest }) => Number(DeleteRequest.Key.sk.S)).join());
        return perform();
      },
      async (feed) => {
        await putPages(feed, 4);
        await new PageStore(engine.clients.documents, engine.tableNames.queue, clock).deletePages(feed, 0);
      },
    );
    expect(seen).toEqual(["1,2,3", "4"]);
  });
});

describe("a hostile AWS", () => {
  it("answers an eventually consistent read with the state before the last change", async () => {
    const answers: unknown[] = [];
    await withFault("throttled", "none", async (feed) => {
      const hostile = hostileAws(({ input }) => (input.ConsistentRead ? undefined : "stale"));
      await engine.during(hostile, async () => {
        const Key = { pk: "stale", sk: feed };
        const read = async (ConsistentRead: boolean) => {
          const get = new GetCommand({ TableName: engine.tableNames.queue, Key, ConsistentRead });
          answers.push((await engine.clients.documents.send(get)).Item?.n);
        };
        for (const n of [1, 2]) {
          const UpdateExpression = "SET n = :n";
          const update = {
            TableName: engine.tableNames.queue,
            Key,
            UpdateExpression,
            ExpressionAttributeValues: { ":n": n },
          };
          await engine.clients.documents.send(new UpdateCommand(update));
          await read(true);
        }
        await read(false);
      });
    });
    expect(answers).toEqual([1, 2, 1]);
  });
});

async function putPages(feed: string, count: number): Promise<void> {
  for (let first = 1; first <= count; first += 1)
    await engine.clients.documents.send(
      new PutCommand({
        TableName: engine.tableNames.queue,
        Item: { ...keys.page(feed, 0, first), ...storedPage(first, 1) },
      }),
    );
}
