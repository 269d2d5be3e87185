import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import type { z } from "zod";
import type { Log } from "./log.ts";

/**
 * Processes the groups of an SQS batch concurrently and reports the records of failed groups, so that SQS redelivers
 * only those (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 * @param keyOf records with the same key form one group, in the order of the batch
 */
export async function processInGroups(
  records: readonly SQSRecord[],
  keyOf: (record: SQSRecord) => string,
  process: (key: string, group: readonly SQSRecord[]) => Promise<void>,
  log: Log,
): Promise<SQSBatchResponse> {
  const groups = Map.groupBy(records, keyOf);
  const failed = await Promise.all(
    [...groups].map(async ([key, group]) => {
      try {
        await process(key, group);
        return [];
      } catch (error) {
        log.error("a group of messages failed; SQS will redeliver it", {
          group: key,
          records: group.length,
          error,
        });
        return group;
      }
    }),
  );
  return { batchItemFailures: failed.flat().map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** Reads the hints of a batch. A malformed hint is logged and dropped: a redelivery would not repair it. */
export function readHints<T>(
  records: readonly SQSRecord[],
  schema: z.ZodType<T>,
  log: Log,
): Map<SQSRecord, T> {
  const hints = new Map<SQSRecord, T>();
  for (const record of records) {
    const hint = schema.safeParse(parseJson(record.body));
    if (hint.success) hints.set(record, hint.data);
    else
      log.error("malformed hint dropped", {
        messageId: record.messageId,
        issues: hint.error.issues,
      });
  }
  return hints;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
