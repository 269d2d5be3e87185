import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { clientSettings } from "../../../shared/aws/clients.ts";
import { isServiceFailure } from "../../../shared/aws/failures.ts";

it("a call that is never answered is tried again, and given up in the end", async () => {
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
