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
  process: (key: string, group: readonly SQSRecord[]) => Promise<unknown>,
  log: Log,
): Promise<SQSBatchResponse> {
  const groups = Map.groupBy(records, keyOf);
  const failed = await Promise.all(
    [...groups].map(async ([key, group]) => {
      try {
        await process(key, group);
        return [];
      } catch (error) {
        log.error("a group of messages failed; SQS will redeliver them", {
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

/** `processInGroups` for the hints of a batch (`readHints`). */
export function processHints<Hint>(
  hints: ReadonlyMap<SQSRecord, Hint>,
  keyOf: (hint: Hint) => string,
  process: (key: string, group: readonly Hint[]) => Promise<unknown>,
  log: Log,
): Promise<SQSBatchResponse> {
  const hintsOf = (records: readonly SQSRecord[]) => records.flatMap((record) => hints.get(record) ?? []);
  return processInGroups(
    [...hints.keys()],
    (record) =>
      hintsOf([record])
        .map((hint) => keyOf(hint))
        .join(),
    (key, records) => process(key, hintsOf(records)),
    log,
  );
}

/** Reads the hints of a batch. A malformed hint is logged and discarded: a redelivery would not repair it. */
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
      log.error("malformed hint discarded", {
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
