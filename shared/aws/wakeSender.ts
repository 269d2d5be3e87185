import { SendMessageBatchCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import {
  GROUPS_IN_WAKE,
  type GroupWake,
  LONGEST_WAKE_DELAY_MILLIS,
  type SessionWake,
  type WakeHint,
} from "../queue/hints.ts";
import type { Cursor } from "../sessions/cursor.ts";

/** SQS takes ten messages in one call. */
const BATCH_SIZE = 10;

/** Whom a wake is for: a session with a row of its own, or a group. */
type WakeTarget = Pick<Cursor, "feed" | "session" | "lane"> | GroupWake;

/**
 * Sends "there is something to read" to the queue of the session's lane. Groups have no lanes. A delayed wake of a group goes to
 * the slow lane's queue: its age counts from when it is sent, and an alarm watches the age of the fast lane's oldest message
 * (infra/monitoring.ts).
 */
export class WakeSender {
  readonly #sqs: SQSClient;
  readonly #queueUrls: Readonly<Record<Cursor["lane"], string>>;

  constructor(sqs: SQSClient, queueUrls: Readonly<Record<Cursor["lane"], string>>) {
    this.#sqs = sqs;
    this.#queueUrls = queueUrls;
  }

  /** Sends one wake. A wake due later than SQS can delay is left to the sweep. */
  async sendWake(target: WakeTarget, delayMillis = 0): Promise<void> {
    if (delayMillis > LONGEST_WAKE_DELAY_MILLIS) return;
    const delaySeconds = Math.ceil(delayMillis / 1000);
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrls[laneOf(target, delaySeconds > 0)],
        MessageBody: JSON.stringify(hintFor(target)),
        ...(delaySeconds > 0 ? { DelaySeconds: delaySeconds } : {}),
      }),
    );
  }

  /** Asks deliver for a test message, in the slow lane: an endpoint that hangs delays nobody there. */
  async sendTest(
    { feed, session }: Pick<Cursor, "feed" | "session">,
    test: NonNullable<SessionWake["test"]>,
  ): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({
        QueueUrl: this.#queueUrls.slow,
        MessageBody: JSON.stringify({ feed, session, test } satisfies WakeHint),
      }),
    );
  }

  /**
   * Sends many wakes and returns the targets of those that SQS accepted. Groups of a feed share wakes.
   * @param targets of single sessions or of groups
   */
  async sendWakes<Target extends WakeTarget>(targets: readonly Target[]): Promise<Target[]> {
    const calls: Promise<Target[]>[] = [];
    for (const lane of ["fast", "slow"] as const) {
      const wakes = sharedWakes(targets.filter((target) => laneOf(target, false) === lane));
      for (let from = 0; from < wakes.length; from += BATCH_SIZE)
        calls.push(this.#sendBatch(lane, wakes.slice(from, from + BATCH_SIZE)));
    }
    return (await Promise.all(calls)).flat();
  }

  async #sendBatch<Target extends WakeTarget>(
    lane: Cursor["lane"],
    wakes: readonly (readonly Target[])[],
  ): Promise<Target[]> {
    const answer = await this.#sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: this.#queueUrls[lane],
        Entries: wakes.map((targets, index) => ({
          Id: String(index),
          MessageBody: JSON.stringify(sharedHintFor(targets)),
        })),
      }),
    );
    const failed = new Set((answer.Failed ?? []).map(({ Id }) => Id));
    return wakes.filter((_, index) => !failed.has(String(index))).flat();
  }
}

/** The targets of each wake: one session with a row of its own, or some groups of a feed. */
function sharedWakes<Target extends WakeTarget>(targets: readonly Target[]): Target[][] {
  const wakes = targets.filter((target) => !("group" in target)).map((target) => [target]);
  const groups = targets.filter((target) => "group" in target);
  for (const ofFeed of Map.groupBy(groups, ({ feed }) => feed).values())
    for (let from = 0; from < ofFeed.length; from += GROUPS_IN_WAKE)
      wakes.push(ofFeed.slice(from, from + GROUPS_IN_WAKE));
  return wakes;
}

function sharedHintFor(targets: readonly WakeTarget[]): WakeHint {
  const [first] = targets;
  if (first === undefined) throw new RangeError("a wake names at least one target");
  const groups = targets.flatMap((target) => ("group" in target ? [target.group] : []));
  return groups.length > 1 ? { feed: first.feed, groups } : hintFor(first);
}

function laneOf(target: WakeTarget, isDelayed: boolean): Cursor["lane"] {
  if ("group" in target) return isDelayed ? "slow" : "fast";
  return target.lane;
}

function hintFor(target: WakeTarget): WakeHint {
  const { feed } = target;
  return "group" in target ? { feed, group: target.group } : { feed, session: target.session };
}
