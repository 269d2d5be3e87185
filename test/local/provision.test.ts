import { DescribeTableCommand, DescribeTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDynamodb } from "../../local/engines/dynamodb.ts";
import type { Engine } from "../../local/engines/engine.ts";
import { startSqs } from "../../local/engines/sqs.ts";
import { provision } from "../../local/provision.ts";
import { tables } from "../../shared/aws/resources.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { localClients } from "./support/clients.ts";

let dynamodb: Engine;
let sqs: Engine;

beforeAll(async () => {
  [dynamodb, sqs] = await Promise.all([startDynamodb(), startSqs()]);
});

afterAll(async () => {
  await Promise.all([dynamodb.close(), sqs.close()]);
});

it("creates the missing resources, and changes nothing when it runs again", async () => {
  const clients = localClients({ dynamodb, sqs });
  const first = await provision(clients, silentLog);
  const second = await provision(clients, silentLog);
  expect(second).toEqual(first);

  const { Table } = await clients.documents.send(new DescribeTableCommand({ TableName: tables.queue.name }));
  expect(Table?.KeySchema?.map((key) => key.AttributeName)).toEqual(["pk", "sk"]);
  expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
  const ttl = await clients.documents.send(new DescribeTimeToLiveCommand({ TableName: tables.queue.name }));
  expect(ttl.TimeToLiveDescription?.AttributeName).toBe(tables.queue.ttl);
  const sessions = await clients.documents.send(
    new DescribeTableCommand({ TableName: tables.sessions.name }),
  );
  expect(sessions.Table?.KeySchema?.map((key) => key.AttributeName)).toEqual(["pk"]);

  const { Attributes } = await clients.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: first.queues.ingest.url, AttributeNames: ["All"] }),
  );
  expect(Attributes).toMatchObject({ FifoQueue: "true", VisibilityTimeout: "35" });
});

it("can run in two relays at the same time", async () => {
  const [endpointOfBoth, queuesOfBoth] = await Promise.all([startDynamodb(), startSqs()]);
  const clients = localClients({ dynamodb: endpointOfBoth, sqs: queuesOfBoth });
  const [one, other] = await Promise.all([provision(clients, silentLog), provision(clients, silentLog)]);
  expect(one).toEqual(other);
  await Promise.all([endpointOfBoth.close(), queuesOfBoth.close()]);
});
