import { createHash, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { AwsAnswer, AwsCall, Intercept } from "./awsCalls.ts";

/** Faults that SQS standard queues allow, and that the hints must survive. */
type MessageFault = "lost" | "doubled" | "late";

const SHARES: readonly (readonly [MessageFault, number])[] = [
  ["lost", 0.05],
  ["doubled", 0.1],
  ["late", 0.1],
];
const LATE_MILLIS = 400;
const SHUFFLED_SHARE = 0.3;

/**
 * Loses, doubles, delays and reorders messages sent to the hint queues, and shuffles received messages. The FIFO queue of
 * ingest guarantees order and delivery, so it is left alone.
 */
export function hostileQueues(random: (name: string) => number, isHostile: () => boolean): Intercept {
  return async (call, perform) => {
    if (!isHostile() || call.service !== "sqs" || String(call.input.QueueUrl).endsWith(".fifo"))
      return perform();
    if (call.command === "ReceiveMessage") return shuffled(await perform(), random);
    if (!call.command.startsWith("SendMessage")) return perform();
    switch (faultOf(random("message"))) {
      case "lost":
        return takenBy(call);
      case "doubled":
        await perform();
        return perform();
      case "late":
        // SQS accepted the message, but delivers it after messages sent later.
        void pause(LATE_MILLIS * random("delay"))
          .then(perform)
          .catch(() => {});
        return takenBy(call);
      default:
        return perform();
    }
  };
}

function faultOf(drawn: number): MessageFault | undefined {
  let limit = 0;
  for (const [fault, share] of SHARES) {
    limit += share;
    if (drawn < limit) return fault;
  }
  return undefined;
}

/** The response of a queue that accepted the messages. */
function takenBy({ command, input }: AwsCall): AwsAnswer {
  const taken = (body: string) => ({
    MessageId: randomUUID(),
    MD5OfMessageBody: createHash("md5").update(body).digest("hex"),
  });
  const $metadata = { httpStatusCode: 200 };
  if (command === "SendMessage") return { $metadata, ...taken(input.MessageBody) };
  const entries: { Id: string; MessageBody: string }[] = input.Entries;
  return {
    $metadata,
    Successful: entries.map(({ Id, MessageBody }) => ({ Id, ...taken(MessageBody) })),
    Failed: [],
  };
}

function shuffled(answer: AwsAnswer, random: (name: string) => number): AwsAnswer {
  const messages = answer.Messages;
  return Array.isArray(messages) && random("shuffle") < SHUFFLED_SHARE
    ? { ...answer, Messages: messages.toReversed() }
    : answer;
}
