import { createHash } from "node:crypto";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import type { AwsAnswer, AwsCall } from "../support/awsCalls.ts";
import type { HintMessage, HintQueue, HintQueues } from "./hintQueues.ts";

export const QUEUE_URLS: Readonly<Record<HintQueue, string>> = {
  notify: "https://sqs/notify",
  wake: "https://sqs/wake",
  slow: "https://sqs/slow",
};

/** Answers a SendMessage or SendMessageBatch as SQS does. */
export function answerSend(
  hints: HintQueues,
  { command, input }: AwsCall,
  nowEpochMillis: number,
): AwsAnswer {
  const queue = queueOf(input.QueueUrl);
  const send = ({ MessageBody, DelaySeconds = 0 }: { MessageBody: string; DelaySeconds?: number }) => ({
    MessageId: hints.send(queue, MessageBody, nowEpochMillis + 1000 * DelaySeconds),
    MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex"),
  });
  const $metadata = { httpStatusCode: 200 };
  if (command === "SendMessage") return { $metadata, ...send(input) };
  const entries: { Id: string; MessageBody: string }[] = input.Entries;
  return { $metadata, Successful: entries.map((entry) => ({ Id: entry.Id, ...send(entry) })), Failed: [] };
}

function queueOf(url: string): HintQueue {
  const found = Object.entries(QUEUE_URLS).find(([, each]) => each === url);
  if (found === undefined) throw new Error(`there is no queue ${url}`);
  return found[0] as HintQueue;
}

export function sqsEvent(messages: readonly HintMessage[]): SQSEvent {
  const record = ({ id, body }: HintMessage): SQSRecord => ({
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: "0",
      SenderId: "test",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:hints",
    awsRegion: "us-east-1",
  });
  return { Records: messages.map(record) };
}
