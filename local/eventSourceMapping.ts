import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { type Clock, systemClock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { invoke, type LocalFunction } from "./invoke.ts";
import type { Queue } from "./provision.ts";
import { failedMessageIds, toSqsRecord } from "./sqsEvent.ts";

/*
 * What AWS's SQS event source mapping does, between one queue and one function: poll while there is a free slot,
 * invoke with a batch, delete what succeeded. What failed is left alone and returns by itself after the queue's
 * visibility timeout. The order within a FIFO group is kept by SQS, which holds a group back while one of its
 * messages is in work.
 */

/**
 * How long one poll waits for a message. Short, because stopping waits for the poll under way, unless the queue ends with
 * it: a poll that is cut off could still take messages, and nobody would see them until their visibility timeout.
 */
const POLL_SECONDS = 1;
/** After an error: doubled each time, up to the second number. */
const ERROR_PAUSE_MILLIS = { first: 100, most: 5_000 };
/**
 * After a poll that came back empty before its time. SQS does that when a message arrives for a FIFO group that is
 * in work; an endpoint without long polling does it always, and must not be asked in a tight loop.
 */
const EMPTY_PAUSE_MILLIS = 20;
/** SQS hands out at most this many at a time. */
const RECEIVE_MOST = 10;

export interface EventSourceMappingOptions {
  readonly sqs: SQSClient;
  readonly queue: Queue;
  readonly target: LocalFunction<SQSEvent>;
  readonly batchSize: number;
  readonly maximumConcurrency: number;
  /** Whether the queue ends with this process. Then stopping waits for no poll: nobody would see the message again. */
  readonly isShortLived?: boolean;
  /** The pause after each poll that brought messages, 0 by default. Those that come meanwhile share the next one. */
  readonly gatherMillis?: number;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface EventSourceMapping {
  /** Stops polling and resolves when the running invocations have ended. */
  stop(): Promise<void>;
}

export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const stopping = new AbortController();
  const polling = poll(options, stopping.signal);
  return {
    stop: () => {
      stopping.abort();
      return polling;
    },
  };
}

async function poll(options: EventSourceMappingOptions, stopping: AbortSignal): Promise<void> {
  const { gatherMillis = 0, clock = systemClock } = options;
  const running = new Set<Promise<void>>();
  const receiveInTime = patientReceiver(options, stopping);
  const receive = () => (options.isShortLived ? unlessStopped(receiveInTime(), stopping) : receiveInTime());
  while (!stopping.aborted) {
    if (running.size >= options.maximumConcurrency) {
      await Promise.race(running);
      continue;
    }
    const messages = await receive();
    if (messages.length === 0) continue;
    const invocation = (stopping.aborted ? handBack(options, messages) : work(options, messages)).finally(
      () => running.delete(invocation),
    );
    running.add(invocation);
    if (gatherMillis > 0) await clock.sleep(gatherMillis, stopping);
  }
  await Promise.all(running);
}

/**
 * Messages, or none as soon as it is time to stop. Each poll has a promise of its own: what is raced against one that stays
 * pending is kept as long as that.
 */
async function unlessStopped(messages: Promise<Message[]>, stopping: AbortSignal): Promise<Message[]> {
  const { promise: none, resolve } = Promise.withResolvers<Message[]>();
  const stop = () => resolve([]);
  stopping.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([messages, none]);
  } finally {
    stopping.removeEventListener("abort", stop);
  }
}

/** Receives messages: none when there are none, when the queue cannot be reached, or when it is time to stop. */
function patientReceiver(
  options: EventSourceMappingOptions,
  stopping: AbortSignal,
): () => Promise<Message[]> {
  const { target, log, clock = systemClock } = options;
  let errorsInARow = 0;

  return async () => {
    const startedAt = performance.now();
    try {
      const messages = await receiveOnce(options);
      if (errorsInARow > 0) log.info("polling works again", { function: target.name });
      errorsInARow = 0;
      const cameBackEarly = performance.now() - startedAt < (POLL_SECONDS * 1000) / 2;
      if (messages.length === 0 && cameBackEarly) await clock.sleep(EMPTY_PAUSE_MILLIS, stopping);
      return messages;
    } catch (error) {
      // Said once, not at each try, and not of a poll that nobody waits for any more.
      if (errorsInARow === 0 && !(options.isShortLived && stopping.aborted))
        log.warn("polling failed; retrying", { function: target.name, error: String(error) });
      const { first, most } = ERROR_PAUSE_MILLIS;
      await clock.sleep(Math.min(most, first * 2 ** errorsInARow), stopping);
      errorsInARow++;
      return [];
    }
  };
}

async function receiveOnce({ sqs, queue, batchSize }: EventSourceMappingOptions): Promise<Message[]> {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.url,
      MaxNumberOfMessages: Math.min(batchSize, RECEIVE_MOST),
      WaitTimeSeconds: POLL_SECONDS,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    }),
  );
  return Messages ?? [];
}

async function work(options: EventSourceMappingOptions, messages: readonly Message[]): Promise<void> {
  const { queue, target, log } = options;
  const records = messages.map((message) => toSqsRecord(message, queue, target.region));
  try {
    const failed = failedMessageIds(await invoke(target, { Records: records }), records);
    await remove(
      options,
      messages.filter((message) => !failed.has(message.MessageId ?? "")),
    );
  } catch (error) {
    // Nothing is deleted, so all of it comes again.
    log.error("invocation failed", { function: target.name, records: records.length, error: String(error) });
  }
}

async function remove(
  { sqs, queue }: EventSourceMappingOptions,
  messages: readonly Message[],
): Promise<void> {
  if (messages.length === 0) return;
  await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queue.url, Entries: entries(messages) }));
}

/** The last poll brought messages that nobody will work on now: they are visible again at once. */
async function handBack(options: EventSourceMappingOptions, messages: readonly Message[]): Promise<void> {
  const visible = entries(messages).map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
  try {
    await options.sqs.send(
      new ChangeMessageVisibilityBatchCommand({ QueueUrl: options.queue.url, Entries: visible }),
    );
  } catch (error) {
    options.log.warn("messages could not be released; they return when their visibility timeout expires", {
      function: options.target.name,
      error: String(error),
    });
  }
}

function entries(messages: readonly Message[]) {
  return messages.map((message, index) => ({
    Id: String(index),
    ReceiptHandle: message.ReceiptHandle ?? "",
  }));
}
