import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keys } from "../../shared/aws/keys.ts";
import type { AwsCall } from "../support/awsCalls.ts";
import type { Fault } from "../support/hostileAws.ts";
import { Engine } from "./engine.ts";
import { seededRandom } from "./scheduler.ts";
import { Stage } from "./stage.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** Injects the fault into the first `times` calls of a command. */
function first(times: number, command: string, fault: Fault) {
  let left = times;
  return (call: AwsCall): Fault | undefined => {
    if (call.command !== command || left === 0) return undefined;
    left -= 1;
    return fault;
  };
}

const ALL_TRIES = 3;

describe("ingest", () => {
  it("the response to a put is lost and the SDK retries: the batch is in the feed once", async () => {
    await Stage.run(engine, async (stage) => {
      const status = await stage.withFaults(first(1, "PutItem", "timed out after"), () => stage.append(1, 3));
      expect(status).toBe(202);
      await stage.expectInvariants([]);
    });
  });

  it("every response is lost: the producer gets an error and resends, and the batch is in the feed once", async () => {
    await Stage.run(engine, async (stage) => {
      const lost = first(ALL_TRIES, "PutItem", "timed out after");
      expect(await stage.withFaults(lost, () => stage.append(1, 3))).toBeGreaterThanOrEqual(500);
      expect(await stage.append(1, 3)).toBe(202);
      await stage.expectInvariants([]);
      expect((await stage.rows()).pages.flatMap(({ events }) => events)).toHaveLength(3);
    });
  });
});

describe("deliver", () => {
  it("paused during a request until its lease is taken over: its commit is refused, and its epoch is older", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.person.createSession("head");
      await stage.append(1, 4);
      let isFirst = true;
      stage.whilePosting = async () => {
        if (!isFirst) return;
        isFirst = false;
        stage.nowEpochMillis += stage.settings.leaseMillis + 1;
        await stage.append(5, 2);
        await stage.deliver();
      };
      expect(await stage.deliver()).toBe(true);
      expect(stage.posts.map(({ delivery, epoch }) => [delivery.id, epoch])).toEqual([
        ["s0-1-1-4", 2],
        ["s0-1-1-4", 3],
        ["s0-1-5-6", 3],
      ]);
      expect((await stage.rows()).cursors).toMatchObject([{ next: 7, fence: 3, state: "parked" }]);
      await stage.expectInvariants(["s0"]);
    });
  });

  it("the endpoint accepted but the progress cannot be written: the batch is redelivered under the same id", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.person.createSession("head");
      await stage.append(1, 3);
      // Taking the lease succeeds, every later write fails.
      let isTaken = false;
      const afterTaking = (call: AwsCall): Fault | undefined => {
        if (call.command !== "UpdateItem") return undefined;
        if (isTaken) return "timed out before";
        isTaken = true;
        return undefined;
      };
      expect(await stage.withFaults(afterTaking, () => stage.deliver())).toBe(false);
      expect((await stage.rows()).cursors).toMatchObject([{ next: 1, state: "active" }]);
      // Until the lease expires, no other turn sends.
      await stage.deliver();
      expect(stage.posts).toHaveLength(1);
      stage.nowEpochMillis += stage.settings.leaseMillis + 1;
      await stage.append(4, 3);
      await stage.deliver();
      expect(stage.posts.map(({ delivery }) => delivery.id)).toEqual([
        "s0-1-1-3",
        "s0-1-1-3",
        "s0-1-4-4",
        "s0-1-5-6",
      ]);
      await stage.expectInvariants(["s0"]);
    });
  });

  it("a page's bytes are damaged: the session is suspended and does not skip the page", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.person.createSession("head");
      await stage.append(1, 3);
      const damage = new UpdateCommand({
        TableName: engine.tableNames.queue,
        Key: keys.page(stage.feed, 0, 1),
        UpdateExpression: "SET checksum = :checksum",
        ExpressionAttributeValues: { ":checksum": 1 },
      });
      await engine.clients.documents.send(damage);
      expect(await stage.deliver()).toBe(true);
      expect(stage.posts).toEqual([]);
      expect(await stage.cursors()).toMatchObject([{ next: 1, state: "suspended" }]);
      expect(stage.logged.map(({ message }) => message)).toContain(
        "a page cannot be read; the session is suspended",
      );
    });
  });
});

describe("crossing", () => {
  it("forty sessions at once, half of all transactions conflicting: in the end each is counted where it stands", async () => {
    await Stage.run(engine, async (stage) => {
      const sessions = Array.from({ length: 40 }, (_, number) => `s${number}`);
      for (const _session of sessions) await stage.person.createSession("head");
      await stage.append(1, 10);
      const random = seededRandom(1);
      let transactions = 0;
      const conflicts = ({ command }: AwsCall): Fault | undefined => {
        if (command !== "TransactWriteItems") return undefined;
        transactions += 1;
        return random() < 0.5 ? "conflict" : undefined;
      };
      await stage.withFaults(conflicts, () => Promise.all(sessions.map((session) => stage.deliver(session))));
      // Each session crosses twice. After a conflict it tries again with its next write, and it has four writes.
      expect(transactions).toBeLessThanOrEqual(40 * 4);
      const { counts } = await stage.rows();
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(40);
      expect(counts.size).toBeGreaterThan(1);
      await stage.expectInvariants(sessions);
      await stage.sweep();
      expect((await stage.rows()).counts).toEqual(new Map([[2, 40]]));
    });
  }, 120_000);

  it("the transaction never gets a response: the next holder moves the reference once", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.person.createSession("head");
      await stage.append(1, 6);
      const lost = first(ALL_TRIES, "TransactWriteItems", "timed out after");
      expect(await stage.withFaults(lost, () => stage.deliver())).toBe(false);
      expect((await stage.rows()).counts).toEqual(new Map([[1, 1]]));
      stage.nowEpochMillis += stage.settings.leaseMillis + 1;
      expect(await stage.deliver()).toBe(true);
      await stage.expectInvariants(["s0"]);
    });
  });
});

describe("the sweep", () => {
  it("dies at any of its calls and runs again: the result is the same as of one complete run", async () => {
    for (let dyingCall = 1; ; dyingCall += 1) {
      const calls = await Stage.run(engine, async (stage) => {
        await stage.append(1, 11);
        stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
        let count = 0;
        const dies = (): Fault | undefined => {
          count += 1;
          // Half of the deaths happen after the call was performed.
          return count < dyingCall
            ? undefined
            : dyingCall % 2 === 0 && count === dyingCall
              ? "timed out after"
              : "timed out before";
        };
        await stage.withFaults(dies, () => stage.sweep().catch(() => {}));
        await stage.sweep();
        await stage.expectInvariants([]);
        const { head, pages } = await stage.rows();
        expect(head).toMatchObject({ headSegment: 2, clearedSegment: 2 });
        expect(pages.map(({ segment }) => segment)).toEqual([2]);
        return count;
      });
      if (calls < dyingCall) {
        // The sweep survived: every call has had its death.
        expect(dyingCall).toBeGreaterThan(10);
        return;
      }
    }
  }, 180_000);

  it("runs twice at the same time: nothing needed is freed, and nothing else is left", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.append(1, 11);
      stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
      await Promise.all([stage.sweep(), stage.sweep(), stage.sweep()]);
      await stage.expectInvariants([]);
      expect((await stage.rows()).head).toMatchObject({ headSegment: 2, clearedSegment: 2 });
    });
  });
});

describe("the interface", () => {
  it("subscribes at the head while the sweep frees it: the session begins in a held segment", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.append(1, 11);
      stage.nowEpochMillis += 2 * stage.settings.freeGraceMillis;
      let isFirst = true;
      await stage.before(
        ({ command, input }) =>
          isFirst && command === "TransactWriteItems" && "Put" in input.TransactItems[0],
        async () => {
          isFirst = false;
          await stage.sweep();
        },
        () => stage.person.createSession("head"),
      );
      expect(isFirst).toBe(false);
      expect((await stage.rows()).head).toMatchObject({ headSegment: 2 });
      expect((await stage.rows()).cursors).toMatchObject([{ next: 9, segment: 2 }]);
      await stage.expectInvariants([]);
    });
  });

  it("creates a session although the wake cannot be sent: it returns the secret, and the sweep wakes the session", async () => {
    await Stage.run(engine, async (stage) => {
      await stage.append(1, 3);
      const throttled = ({ service }: AwsCall): Fault | undefined =>
        service === "sqs" ? "throttled" : undefined;
      await stage.withFaults(throttled, () => stage.person.createSession("head"));
      expect((await stage.rows()).cursors).toHaveLength(1);
      stage.nowEpochMillis += stage.settings.hintGraceMillis;
      expect(await stage.sweep()).toMatchObject([{ woken: 1 }]);
    });
  });
});
