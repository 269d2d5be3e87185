import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createHandler } from "../../functions/ingest/handler.ts";
import { type AwsClients, createClients, destroyClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { silentMetrics } from "../../shared/runtime/metrics.ts";
import { newCursor } from "../../shared/sessions/cursor.ts";
import { eventually } from "../support/eventually.ts";
import { appendRequest, ingestEnvironment } from "../support/ingestOnItsOwn.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

describe("the cost of an append", () => {
  it("is the same with a key that is cached and a producer that the tail knows", async () => {
    await using relay = await TestRelay.start();
    const { key } = await relay.createKey({ name: "bridge", role: "producer", feeds: ["pbx"] });
    const clients = createClients(ingestEnvironment(relay));
    const requests: string[] = [];
    for (const { middlewareStack } of [clients.documents, clients.sqs])
      (middlewareStack as AwsClients["sqs"]["middlewareStack"]).add((next, { commandName }) => (args) => {
        requests.push(String(commandName).replace("Command", ""));
        return next(args);
      });
    const ingest = createHandler(ingestEnvironment(relay), {
      clients,
      log: silentLog,
      metrics: silentMetrics,
    });
    let position = 1;
    const append = async () => {
      requests.length = 0;
      const request = appendRequest("pbx", someEvents(2));
      const headers = {
        ...request.headers,
        authorization: `Bearer ${key}`,
        "relay-producer": "bridge",
        "relay-position": String(position),
      };
      expect(await ingest({ ...request, headers })).toMatchObject({ statusCode: 202 });
      position += 2;
      return [...requests];
    };

    const first = await append();
    // The key, its last use and the archive are read once. Nothing waits for the use that is recorded.
    expect(first.filter((name) => name === "SendMessage")).toHaveLength(1);
    await eventually("the recorded use", async () =>
      (await Array.fromAsync(relay.listKeys())).every(({ lastUsed }) => lastUsed !== null),
    );
    for (let again = 0; again < 5; again += 1) expect(await append()).toEqual(["PutItem", "SendMessage"]);
    destroyClients(clients);
  });

  it("is one PutItem and one SendMessage for each page, with one session and with a thousand", async () => {
    await using relay = await TestRelay.start();
    const { tableNames } = relay.relay;
    const environment = ingestEnvironment(relay);
    const clients = createClients(environment);
    const requests: string[] = [];
    clients.documents.middlewareStack.add((next, { commandName }) => (args) => {
      requests.push(String(commandName));
      return next(args);
    });
    clients.sqs.middlewareStack.add((next, { commandName }) => (args) => {
      requests.push(String(commandName));
      return next(args);
    });
    const ingest = createHandler(environment, { clients, log: silentLog, metrics: silentMetrics });
    const append = async (events: number) => {
      requests.length = 0;
      const answer = await ingest(appendRequest("pbx", someEvents(events)));
      expect(answer).toMatchObject({ statusCode: 202 });
      return [...requests];
    };

    const { documents } = relay.relay.clients;
    const cursors = new CursorStore(
      documents,
      tableNames.cursors,
      new ReferenceStore(documents, tableNames.queue, systemClock),
      randomUUID,
      systemClock,
    );
    const addSessions = async (from: number, to: number) => {
      for (let first = from; first < to; first += 50)
        await Promise.all(
          Array.from({ length: Math.min(50, to - first) }, (_, index) =>
            cursors.create(
              newCursor({
                feed: "pbx",
                session: `session-${first + index}`,
                next: 1,
                segmentSize: 5000,
                interest: undefined,
                nowEpochMillis: 0,
              }),
            ),
          ),
        );
    };

    await append(1);
    await addSessions(0, 1);
    const one = [await append(1), await append(50), await append(500)];
    await addSessions(1, 1000);
    // A writer reads the tail again after ten seconds, and so many sessions may take as long.
    await append(1);
    const thousand = [await append(1), await append(50), await append(500)];
    expect(one).toEqual(Array.from({ length: 3 }, () => ["PutItemCommand", "SendMessageCommand"]));
    expect(thousand).toEqual(one);
    destroyClients(clients);
  });
});
