import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { PositionConflictError } from "../../shared/errors.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { SQS_PRODUCER_PREFIX } from "../../shared/queue/producers.ts";
import { FEED_NAME } from "../../shared/queue/sequence.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import { processInGroups } from "../../shared/runtime/sqsBatch.ts";
import { type EventOrRefusal, readEvent } from "../../shared/stasis/event.ts";
import { MAX_BATCH_EVENTS, splitArray, splitLines } from "../../shared/stasis/eventBatch.ts";
import type { Submission } from "./appendPlan.ts";
import type { GroupCommit } from "./groupCommit.ts";
import { readProducer } from "./producer.ts";

/** Of one message. */
const LOGGED_REFUSALS = 20;

/** Appends the messages of an SQS batch, feed by feed. */
export function appendBatch(
  commit: GroupCommit,
  records: readonly SQSRecord[],
  log: Log,
  metrics: Pick<Metrics, "record">,
): Promise<SQSBatchResponse> {
  return processInGroups(
    records,
    ({ attributes }) => attributes.MessageGroupId ?? "",
    (feed, group) => appendRecords(commit, feed, group, log, metrics),
    log,
  );
}

/**
 * Appends the messages of one SQS FIFO group; the group is the feed. A message holds one event, a JSON array, or
 * one event per line, and may name its producer in the attributes `Relay-Producer` and `Relay-Position`; without them the
 * message's own id makes a redelivery recognisable.
 *
 * SQS has nobody to answer: what is refused is logged with the message's id and not given again, because it
 * would block its group for ever.
 */
export async function appendRecords(
  commit: GroupCommit,
  feed: string,
  records: readonly SQSRecord[],
  log: Log,
  metrics: Pick<Metrics, "record">,
): Promise<void> {
  if (!FEED_NAME.test(feed)) {
    log.error("the message group is no feed name; its messages are refused", {
      feed,
      messages: records.length,
    });
    return;
  }
  const refuse = (count: number) => metrics.record(feed, { RefusedEvents: count });
  const submissions = records.flatMap((record) => {
    const submission = submissionOf(record, log, refuse);
    return submission ? [submission] : [];
  });
  if (submissions.length === 0) return;
  const results = await commit.append(feed, submissions);
  for (const [index, result] of results.entries()) {
    if (!(result instanceof PositionConflictError)) continue;
    log.error("a message contradicts what its producer sent before; it is refused", result.facts);
    refuse(submissions[index]?.events.filter((item) => !("error" in item)).length ?? 0);
  }
}

function submissionOf(record: SQSRecord, log: Log, refuse: (count: number) => void): Submission | undefined {
  const facts = { messageId: record.messageId };
  const events = eventsOf(record.body);
  const refused = events.flatMap((item, index) => ("error" in item ? [{ index, reason: item.error }] : []));
  for (const refusal of refused.slice(0, LOGGED_REFUSALS))
    log.error("an event is refused", { ...facts, ...refusal });
  if (refused.length > LOGGED_REFUSALS)
    log.error("more events are refused than are logged", { ...facts, refused: refused.length });
  refuse(refused.length);
  if (events.every((item) => "error" in item)) return undefined;
  try {
    const named = readProducer(attribute(record, "Relay-Producer"), attribute(record, "Relay-Position"));
    return { events, producer: named ?? { id: `${SQS_PRODUCER_PREFIX}${record.messageId}`, position: 1 } };
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    log.error("a message's producer is invalid; it is refused", { ...facts, errors: error.problem.errors });
    refuse(events.filter((item) => !("error" in item)).length);
    return undefined;
  }
}

function eventsOf(body: string): EventOrRefusal[] {
  const batch = body.trimStart().startsWith("[") ? splitArray(body) : { texts: splitLines(body) };
  if ("error" in batch) return [{ error: batch.error }];
  const { texts } = batch;
  if (texts.length === 0) return [{ error: "the message holds no event" }];
  if (texts.length > MAX_BATCH_EVENTS)
    return [{ error: `the message holds ${texts.length} events; at most ${MAX_BATCH_EVENTS} are accepted` }];
  return texts.map(readEvent);
}

function attribute(record: SQSRecord, name: string): string | undefined {
  return record.messageAttributes[name]?.stringValue;
}
