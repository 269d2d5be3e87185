import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { queueLimits } from "../../shared/aws/limits.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { SQS_PRODUCER_PREFIX } from "../../shared/queue/producers.ts";
import { FEED_NAME } from "../../shared/queue/sequence.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { processInGroups } from "../../shared/runtime/sqsBatch.ts";
import { type EventOrRefusal, readEvent } from "../../shared/stasis/event.ts";
import { MAX_BATCH_EVENTS, splitArray, splitEvents } from "../../shared/stasis/eventBatch.ts";
import type { Submission } from "./appendPlan.ts";
import { refusedOf } from "./appendResult.ts";
import type { Intake } from "./intake.ts";
import { readProducer } from "./producer.ts";

/** The most refused events logged for one message. */
const LOGGED_REFUSALS = 20;

/**
 * Appends the messages of an SQS batch, feed by feed.
 *
 * Lambda has no batching window for FIFO queues, so the function itself waits for others (`RELAY_GATHER_SECONDS`).
 * Meanwhile SQS holds back what follows in the same groups, and the next batch is the fuller. A full batch does not wait.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
 */
export function appendBatch(
  intake: Intake,
  records: readonly SQSRecord[],
  log: Log,
): Promise<SQSBatchResponse> {
  const atOnce = records.length >= queueLimits.ingest.batchSize;
  return processInGroups(
    records,
    ({ attributes }) => attributes.MessageGroupId ?? "",
    (feed, group) => appendRecords(intake, feed, group, log, { atOnce }),
    log,
  );
}

/**
 * Appends the messages of one SQS FIFO group; the group is the feed. A message holds one event, a JSON array, or one
 * event per line. It may name its producer in the attributes `Relay-Producer` and `Relay-Position`. Without them,
 * a redelivery is recognised by the message's id.
 *
 * An SQS sender gets no response. So refused events are logged with the message's id. They are not redelivered,
 * because they would block their group forever.
 */
export async function appendRecords(
  intake: Intake,
  feed: string,
  records: readonly SQSRecord[],
  log: Log,
  options?: { atOnce: boolean },
): Promise<void> {
  if (!FEED_NAME.test(feed)) {
    log.error("the message group is not a feed name; its messages are refused", {
      feed,
      messages: records.length,
    });
    return;
  }
  const results = await intake.submit(
    feed,
    records.map((record) => submissionOf(record, log)),
    options,
  );
  for (const result of results)
    if (result.kind === "conflict")
      log.error("a message contradicts its producer's earlier positions; it is refused", result.error.facts);
}

/** The events of a message. All of them are refused when the producer is invalid. */
function submissionOf(record: SQSRecord, log: Log): Submission {
  const facts = { messageId: record.messageId };
  const events = eventsOf(record.body);
  const refused = refusedOf(events);
  for (const { index, error } of refused.slice(0, LOGGED_REFUSALS))
    log.error("an event is refused", { ...facts, index, reason: error });
  if (refused.length > LOGGED_REFUSALS)
    log.error("more events are refused than logged", { ...facts, refused: refused.length });
  if (refused.length === events.length) return { events };
  try {
    const named = readProducer(attribute(record, "Relay-Producer"), attribute(record, "Relay-Position"));
    return { events, producer: named ?? { id: `${SQS_PRODUCER_PREFIX}${record.messageId}`, position: 1 } };
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    log.error("a message's producer is invalid; it is refused", { ...facts, errors: error.problem.errors });
    return { events: events.map(() => ({ error: "the message's producer is invalid" })) };
  }
}

function eventsOf(body: string): EventOrRefusal[] {
  const batch = body.trimStart().startsWith("[") ? splitArray(body) : { texts: splitEvents(body) };
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
