import { DynamoDBClient, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { clientSettings } from "../../../shared/aws/clients.ts";
import { retryConflicts } from "../../../shared/aws/conflicts.ts";
import { AwsJsonServer, AwsRefusal } from "../../support/awsJsonServer.ts";

it("a transaction whose first try is still under way is sent again under the same token", async () => {
  const tokens: unknown[] = [];
  await using server = await AwsJsonServer.start({
    TransactWriteItems: ({ ClientRequestToken }) => {
      tokens.push(ClientRequestToken);
      if (tokens.length === 1) throw new AwsRefusal("TransactionInProgressException");
      return {};
    },
  });
  const client = new DynamoDBClient(clientSettings(server.environment, "DYNAMODB", 5_000));
  retryConflicts(client);
  await client.send(
    new TransactWriteItemsCommand({
      TransactItems: [{ Delete: { TableName: "t", Key: { pk: { S: "k" } } } }],
    }),
  );
  client.destroy();
  expect(tokens).toHaveLength(2);
  expect(tokens[0]).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  expect(tokens[1]).toBe(tokens[0]);
});
