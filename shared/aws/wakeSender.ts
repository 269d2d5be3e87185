import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { LONGEST_WAKE_DELAY_MILLIS, type WakeHint } from "../queue/hints.ts";
import type { Cursor } from "../sessions/cursor.ts";

/** SQS takes ten messages in one call. */
const BATCH_SIZE = 10;

/** Sends "this session has something to read" to the queue of the session's lane. */
export class WakeSender {
  readonly #sqs: SQSClient;
  readonly #queueUrls: Readonly<Record<Cursor["lane"], string>>;

  constructor(sqs: SQSClient, queueUrls: Readonly<Record<Cursor["lane"], string>>) {
    this.#sqs = sqs;
    this.#queueUrls = queueUrls;
  }

  /** Sends one wake. A wake due later than SQS can delay is left to the sweep. */
  async sendWake({ feed, session, lane }: Cursor, delayMillis = 0): Promise<void> {
    if (delayMillis > LONGEST_WAKE_DELAY_MILLIS) return;
    const delaySeconds = Math.ceil(delayMillis / 1000);
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrls[lane],
        MessageBody: JSON.stringify({ feed, session } satisfies WakeHint),
        ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
      }),
    );
  }

  /** Asks deliver for a test message, in the slow lane: an endpoint that hangs delays nobody there. */
  async sendTest(
    { feed, session }: Pick<Cursor, "feed" | "session">,
    test: NonNullable<WakeHint["test"]>,
  ): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrls.slow,
        MessageBody: JSON.stringify({ feed, session, test } satisfies WakeHint),
      }),
    );
  }

  /** Sends wakes to many sessions and returns those whose wake SQS accepted. */
  async sendWakes(cursors: readonly Cursor[]): Promise<Cursor[]> {
    const calls: Promise<Cursor[]>[] = [];
    for (const lane of ["fast", "slow"] as const) {
      const rows = cursors.filter((cursor) => cursor.lane === lane);
      for (let from = 0; from < rows.length; from += BATCH_SIZE)
        calls.push(this.#sendBatch(lane, rows.slice(from, from + BATCH_SIZE)));
    }
    return (await Promise.all(calls)).flat();
  }

  async #sendBatch(lane: Cursor["lane"], rows: readonly Cursor[]): Promise<Cursor[]> {
    const answer = await this.#sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: this.#queueUrls[lane],
        Entries: rows.map(({ feed, session }, index) => ({
          Id: String(index),
          MessageBody: JSON.stringify({ feed, session } satisfies WakeHint),
        })),
      }),
    );
    const failed = new Set((answer.Failed ?? []).map(({ Id }) => Id));
    return rows.filter((_, index) => !failed.has(String(index)));
  }
}
