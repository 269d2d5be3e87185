import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { createHandler } from "../../functions/ingest/handler.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { environmentNames } from "../../shared/aws/names.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { newCursor } from "../../shared/sessions/cursor.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

function httpEvent(feed: string, events: readonly object[]): APIGatewayProxyEventV2 {
  const path = `/v1/feeds/${feed}/events`;
  const http = { method: "POST", path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    headers: { authorization: "Bearer local", "content-type": "application/json", host: "relay" },
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "relay",
      domainPrefix: "relay",
      requestId: "request",
      routeKey: "$default",
      stage: "$default",
      time: "23/Nov/2026:08:00:24 +0000",
      timeEpoch: 1795420824000,
      http,
    },
    body: JSON.stringify(events),
    isBase64Encoded: false,
  };
}

describe("the cost of an append", () => {
  it("is one PutItem and one SendMessage a page, with one session and with a thousand", async () => {
    await using relay = await TestRelay.start();
    const { tableNames, queues, endpoints } = relay.relay;
    // An environment with the queue table and the notify queue only: there is no way to a cursor or a session.
    const environment = {
      [environmentNames.queueTable]: tableNames.queue,
      [environmentNames.notifyQueueUrl]: queues.notify.url,
      [environmentNames.apiKey]: "local",
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_SQS: endpoints.sqs,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
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
    const ingest = createHandler(environment, { clients, log: silentLog });
    const append = async (events: number) => {
      requests.length = 0;
      const answer = await ingest(httpEvent("pbx", someEvents(events)));
      expect(answer).toMatchObject({ statusCode: 202 });
      return [...requests];
    };

    const { documents } = relay.relay.clients;
    const cursors = new CursorStore(
      documents,
      tableNames.cursors,
      new ReferenceStore(documents, tableNames.queue),
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
              [],
            ),
          ),
        );
    };

    await append(1);
    await addSessions(0, 1);
    const one = [await append(1), await append(50), await append(500)];
    await addSessions(1, 1000);
    const thousand = [await append(1), await append(50), await append(500)];
    expect(one).toEqual(Array.from({ length: 3 }, () => ["PutItemCommand", "SendMessageCommand"]));
    expect(thousand).toEqual(one);
    destroyClients(clients);
  });
});
