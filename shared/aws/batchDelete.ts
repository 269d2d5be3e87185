import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/** DynamoDB takes 25 writes in one batch. */
const BATCH_SIZE = 25;

/** Deletes items in the order given, batch after batch. Items that do not exist are no error. */
export async function batchDelete(
  documents: DynamoDBDocumentClient,
  table: string,
  itemKeys: readonly Record<string, string>[],
): Promise<void> {
  for (let from = 0; from < itemKeys.length; from += BATCH_SIZE) {
    let requests = itemKeys.slice(from, from + BATCH_SIZE).map((Key) => ({ DeleteRequest: { Key } }));
    while (requests.length > 0) {
      const answer = await documents.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
      requests = (answer.UnprocessedItems?.[table] ?? []) as typeof requests;
    }
  }
}
