import { BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../runtime/clock.ts";
import { untilProcessed } from "./unprocessed.ts";

/** DynamoDB takes 25 writes in one batch. */
const BATCH_SIZE = 25;

/**
 * Deletes items, one batch after the other. A batch has no order. Missing items are no error.
 * @throws RelayError (retryable) when items are left because the table stays throttled
 */
export async function batchDelete(
  documents: DynamoDBDocumentClient,
  table: string,
  itemKeys: readonly Record<string, string>[],
  clock: Pick<Clock, "sleep">,
): Promise<void> {
  for (let from = 0; from < itemKeys.length; from += BATCH_SIZE) {
    const requests = itemKeys.slice(from, from + BATCH_SIZE).map((Key) => ({ DeleteRequest: { Key } }));
    await untilProcessed(
      requests,
      async (left) => {
        const answer = await documents.send(new BatchWriteCommand({ RequestItems: { [table]: [...left] } }));
        return (answer.UnprocessedItems?.[table] ?? []) as typeof requests;
      },
      clock,
    );
  }
}
