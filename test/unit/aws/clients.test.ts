import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { GetCommand, TransactWriteCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { clientSettings, createClients, destroyClients } from "../../../shared/aws/clients.ts";
import { isServiceFailure } from "../../../shared/errors.ts";
import { AwsJsonServer, AwsRefusal } from "../../support/awsJsonServer.ts";

it("a call without a response is retried, and fails in the end", async () => {
  let asked = 0;
  const server = createServer(() => {
    asked += 1;
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const environment = {
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
  const client = new DynamoDBClient(clientSettings(environment, "DYNAMODB", 100));
  try {
    const given = await client
      .send(new GetItemCommand({ TableName: "t", Key: { pk: { S: "k" } } }))
      .catch((error: unknown) => error);
    expect(given).toMatchObject({ name: "TimeoutError" });
    expect(isServiceFailure(given)).toBe(true);
    expect(asked).toBeGreaterThan(1);
  } finally {
    client.destroy();
    server.closeAllConnections();
    server.close();
  }
});

// shared/aws/cursors.ts relies on the SDK: a transaction whose response was lost is performed once.
it("a transaction is retried with the same token, even while its first attempt is in flight", async () => {
  const tokens: unknown[] = [];
  await using server = await AwsJsonServer.start({
    TransactWriteItems: ({ ClientRequestToken }) => {
      tokens.push(ClientRequestToken);
      if (tokens.length === 1) throw new AwsRefusal("TransactionInProgressException");
      return {};
    },
  });
  const clients = createClients(server.environment);
  const item = { Delete: { TableName: "t", Key: { pk: "k" } } };
  await clients.documents.send(new TransactWriteCommand({ TransactItems: [item] }));
  destroyClients(clients);
  expect(tokens).toHaveLength(2);
  expect(tokens[0]).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  expect(tokens[1]).toBe(tokens[0]);
});

it("a call to a database in the same process is not signed, and is retried like every other", async () => {
  const calls: { headers: Record<string, string>; body: string }[] = [];
  const clients = createClients(
    {
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL: "http://localhost",
    },
    {
      dynamodb: {
        async handle({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) {
          calls.push({ headers, body: new TextDecoder().decode(body) });
          const [statusCode, text] = calls.length === 1 ? [500, "{}"] : [200, '{"Item":{"pk":{"S":"k"}}}'];
          return { response: { statusCode, headers: {}, body: Buffer.from(text) } };
        },
      },
    },
  );
  const { Item } = await clients.documents.send(new GetCommand({ TableName: "t", Key: { pk: "k" } }));
  destroyClients(clients);
  expect(Item).toEqual({ pk: "k" });
  expect(calls).toHaveLength(2);
  expect(calls[1]?.body).toBe(JSON.stringify({ TableName: "t", Key: { pk: { S: "k" } } }));
  // The other headers are those of the protocol and of the retry.
  expect(Object.keys(calls[1]?.headers ?? {}).sort()).toEqual([
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "content-type",
    "x-amz-target",
  ]);
});
