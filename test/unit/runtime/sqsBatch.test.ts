import type { SQSRecord } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Log } from "../../../shared/runtime/log.ts";
import { processHints, processInGroups, readHints } from "../../../shared/runtime/sqsBatch.ts";

function record(messageId: string, body: string): SQSRecord {
  return {
    messageId,
    body,
    receiptHandle: messageId,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "x",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:local:000000000000:queue",
    awsRegion: "local",
  };
}

function errorLog(): Log & { readonly errors: unknown[] } {
  const errors: unknown[] = [];
  return { errors, info: () => {}, warn: () => {}, error: (_message, facts) => void errors.push(facts) };
}

describe("processInGroups", () => {
  const records = ["a", "b", "a", "c"].map((group, index) => record(`m${index}`, group));

  it("gives each group its records in order", async () => {
    const seen: Record<string, string[]> = {};
    const response = await processInGroups(
      records,
      ({ body }) => body,
      async (group, members) => {
        seen[group] = members.map(({ messageId }) => messageId);
      },
      errorLog(),
    );
    expect(seen).toEqual({ a: ["m0", "m2"], b: ["m1"], c: ["m3"] });
    expect(response).toEqual({ batchItemFailures: [] });
  });

  it("reports all records of a group that failed and none of the others", async () => {
    const log = errorLog();
    const response = await processInGroups(
      records,
      ({ body }) => body,
      (group) => (group === "a" ? Promise.reject(new Error("no")) : Promise.resolve()),
      log,
    );
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: "m0" }, { itemIdentifier: "m2" }] });
    expect(log.errors).toMatchObject([{ group: "a", records: 2 }]);
  });

  it("processes groups concurrently", async () => {
    const begun: string[] = [];
    const { promise: allBegun, resolve } = Promise.withResolvers<void>();
    await processInGroups(
      records,
      ({ body }) => body,
      async (group) => {
        begun.push(group);
        if (begun.length === 3) resolve();
        await allBegun;
      },
      errorLog(),
    );
    expect(begun).toEqual(["a", "b", "c"]);
  });
});

describe("processHints", () => {
  it("gives each group its hints in their order, and reports the records of a group that failed", async () => {
    const log = errorLog();
    const records = ["a1", "b2", "a3"].map((body) => record(body, JSON.stringify(body)));
    const seen: Record<string, readonly string[]> = {};
    const response = await processHints(
      readHints(records, z.string(), log),
      (hint) => hint.slice(0, 1),
      async (key, hints) => {
        seen[key] = hints;
        if (key === "a") throw new Error("no");
      },
      log,
    );
    expect(seen).toEqual({ a: ["a1", "a3"], b: ["b2"] });
    expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: "a1" }, { itemIdentifier: "a3" }] });
    expect(log.errors).toMatchObject([{ group: "a", records: 2 }]);
  });
});

describe("readHints", () => {
  it("drops malformed hints, logs their message ids, and keeps the others", () => {
    const log = errorLog();
    const good = record("good", '{"n":1}');
    const bad = ["{", "null", '{"n":"1"}', ""].map((body, index) => record(`bad${index}`, body));
    const hints = readHints([...bad, good], z.object({ n: z.number() }), log);
    expect([...hints]).toEqual([[good, { n: 1 }]]);
    expect(log.errors).toMatchObject(bad.map(({ messageId }) => ({ messageId })));
  });
});
