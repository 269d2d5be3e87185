import type { Clock } from "../../shared/runtime/clock.ts";
import type { RecordedEvent } from "./recording.ts";
import { type Accepted, type EventBatch, RelayAnswerError, type RelayClient } from "./relayClient.ts";

const BATCH_MOST = 50;
/** While pacing, what has become due is sent together so often. */
const PACED_EVERY_MILLIS = 250;
const RETRY_MILLIS = { first: 100, most: 2_000 };

export interface ReplayOptions {
  readonly client: Pick<RelayClient, "postEvents">;
  readonly clock: Clock;
  readonly feed: string;
  /** Unique to this run, so that nothing of an earlier one is taken for a repetition. */
  readonly producer: string;
  readonly events: readonly RecordedEvent[];
  /** The recording's own pace is compressed to this; undefined for as fast as the relay accepts. */
  readonly paceMillis?: number;
  readonly stopping: AbortSignal;
  onAccepted(sequence: number, line: string): void;
}

export interface ReplayResult {
  readonly accepted: number;
  readonly refused: number;
}

/** Puts the recorded events into a feed, in order. Ends early when `stopping` aborts. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { events, feed, producer, clock, stopping } = options;
  const pace = pacer(options);
  let [sent, accepted, refused] = [0, 0, 0];
  while (sent < events.length && !stopping.aborted) {
    const lines = events.slice(sent, sent + Math.min(BATCH_MOST, pace.due(sent))).map(({ line }) => line);
    if (lines.length === 0) {
      await clock.sleep(PACED_EVERY_MILLIS, stopping);
      continue;
    }
    const answer = await sendUntilAnswered(options, { feed, producer, position: sent + 1, lines });
    if (answer === undefined) break;
    accepted += tellAccepted(options, answer, lines);
    refused += answer.refused.length;
    sent += lines.length;
  }
  return { accepted, refused };
}

/** How many events have become due since the start, after the first `sent` of them. */
function pacer({ events, clock, paceMillis }: ReplayOptions): { due(sent: number): number } {
  if (paceMillis === undefined) return { due: () => BATCH_MOST };
  const recordedMillis = Math.max(1, ...events.map((event) => event.offsetMillis));
  const startedAt = clock.nowEpochMillis();
  return {
    due: (sent) => {
      const elapsed = ((clock.nowEpochMillis() - startedAt) / paceMillis) * recordedMillis;
      // Events of different objects can be recorded slightly out of time order; they are sent as recorded.
      const firstToCome = events.findIndex((event, index) => index >= sent && event.offsetMillis > elapsed);
      return firstToCome < 0 ? BATCH_MOST : firstToCome - sent;
    },
  };
}

/**
 * Sends the very same batch until it is answered: the producer's position makes that safe after a lost answer.
 * Undefined when it was time to stop.
 */
async function sendUntilAnswered(
  { client, clock, stopping }: ReplayOptions,
  batch: EventBatch,
): Promise<Accepted | undefined> {
  for (let tries = 0; !stopping.aborted; tries++) {
    try {
      return await client.postEvents(batch);
    } catch (error) {
      if (error instanceof RelayAnswerError && error.status < 500 && error.status !== 429) throw error;
      await clock.sleep(Math.min(RETRY_MILLIS.most, RETRY_MILLIS.first * 2 ** tries), stopping);
    }
  }
  return undefined;
}

/** Says which number each line got; a page takes a batch as a whole, so the numbers follow on each other. */
function tellAccepted(options: ReplayOptions, answer: Accepted, lines: readonly string[]): number {
  const refused = new Set(answer.refused.map(({ index }) => index));
  const kept = lines.filter((_, index) => !refused.has(index));
  if (kept.length === 0) return 0;
  const { first, last } = answer;
  if (first == null || last == null || last - first + 1 !== kept.length)
    throw new Error(
      `the relay took ${kept.length} events, but answered with the numbers ${first} to ${last}`,
    );
  kept.forEach((line, index) => {
    options.onAccepted(first + index, line);
  });
  return kept.length;
}
