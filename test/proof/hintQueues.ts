import { createHash } from "node:crypto";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import type { AwsAnswer, AwsCall } from "../support/awsCalls.ts";

export const QUEUE_URLS = {
  notify: "https://sqs/notify",
  wake: "https://sqs/wake",
  slow: "https://sqs/slow",
};
export type HintQueue = keyof typeof QUEUE_URLS;

interface Message {
  readonly id: string;
  readonly body: string;
  readonly visibleAtEpochMillis: number;
}

/**
 * The hint queues under a clock that a test moves. The embedded SQS counts delays and visibility in real time; here a
 * send is answered as SQS answers it, and what is given back becomes visible again when the test's clock says so.
 */
export class HintQueues {
  readonly #messages: Record<HintQueue, Message[]> = { notify: [], wake: [], slow: [] };
  #sent = 0;

  /** Answers a SendMessage or SendMessageBatch. */
  send({ command, input }: AwsCall, nowEpochMillis: number): AwsAnswer {
    const queue = queueOf(input.QueueUrl);
    const put = ({ MessageBody, DelaySeconds = 0 }: { MessageBody: string; DelaySeconds?: number }) => {
      this.#sent += 1;
      const id = `message-${this.#sent}`;
      this.put(queue, { id, body: MessageBody, visibleAtEpochMillis: nowEpochMillis + 1000 * DelaySeconds });
      return { MessageId: id, MD5OfMessageBody: createHash("md5").update(MessageBody).digest("hex") };
    };
    const $metadata = { httpStatusCode: 200 };
    if (command === "SendMessage") return { $metadata, ...put(input) };
    const entries: { Id: string; MessageBody: string }[] = input.Entries;
    return { $metadata, Successful: entries.map((entry) => ({ Id: entry.Id, ...put(entry) })), Failed: [] };
  }

  put(queue: HintQueue, message: Message): void {
    this.#messages[queue].push(message);
  }

  visible(queue: HintQueue, nowEpochMillis: number): Message[] {
    return this.#messages[queue].filter(({ visibleAtEpochMillis }) => visibleAtEpochMillis <= nowEpochMillis);
  }

  take(queue: HintQueue, messages: readonly Message[]): void {
    this.#messages[queue] = this.#messages[queue].filter((message) => !messages.includes(message));
  }

  /** When the next message that is under way becomes visible. */
  nextVisibleAtEpochMillis(): number | undefined {
    const times = Object.values(this.#messages).flatMap((messages) =>
      messages.map(({ visibleAtEpochMillis }) => visibleAtEpochMillis),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

function queueOf(url: string): HintQueue {
  const found = Object.entries(QUEUE_URLS).find(([, each]) => each === url);
  if (found === undefined) throw new Error(`there is no queue ${url}`);
  return found[0] as HintQueue;
}

export function sqsEvent(messages: readonly Message[]): SQSEvent {
  const record = ({ id, body }: Message): SQSRecord => ({
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
