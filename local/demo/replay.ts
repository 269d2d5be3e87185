import { Producer, type ProducerOptions, type Sent } from "../../client/index.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { RecordedEvent } from "./recording.ts";

const BATCH_MOST = 50;
/** While pacing, what has become due is sent together so often. */
const PACED_EVERY_MILLIS = 250;

export interface ReplayOptions {
  readonly client: ProducerOptions["client"];
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
  const { client, feed, producer: name, events, clock, stopping } = options;
  const pace = pacer(options);
  const producer = new Producer({
    client,
    feed,
    producer: name,
    maxBatch: BATCH_MOST,
    lingerMillis: 0,
    backoffMillis: { first: 100, most: 2_000 },
    signal: stopping,
    sleep: (millis, signal) => clock.sleep(millis, ...(signal === undefined ? [] : [signal])),
  });
  for (let sent = 0; sent < events.length && !stopping.aborted; ) {
    const lines = events.slice(sent, sent + Math.min(BATCH_MOST, pace.due(sent))).map(({ line }) => line);
    if (lines.length === 0) {
      await clock.sleep(PACED_EVERY_MILLIS, stopping);
      continue;
    }
    try {
      reportNumbers(options, lines, await producer.sendAll(lines));
    } catch (error) {
      if (stopping.aborted) break;
      throw error;
    }
    sent += lines.length;
  }
  const { accepted, refused } = producer.counts;
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

function reportNumbers(options: ReplayOptions, lines: readonly string[], sent: readonly Sent[]): void {
  lines.forEach((line, index) => {
    const { sequence, refused } = sent[index] ?? {};
    if (sequence !== undefined) options.onAccepted(sequence, line);
    else if (refused === undefined)
      throw new Error(`the relay took an event but did not say its number: ${line}`);
  });
}
