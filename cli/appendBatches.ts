import { RelayCallError } from "../client/relayCallError.ts";
import type { RelayClient } from "../client/relayClient.ts";
import type { AppendResult, MessageFormat } from "../client/types.ts";
import { pauseUnless } from "./interruption.ts";

const MAX_BATCH_EVENTS = 100;
const MAX_BATCH_BYTES = 900_000;
const FIRST_RETRY_MILLIS = 500;
const LAST_RETRY_MILLIS = 10_000;

export interface AppendOptions {
  readonly client: Pick<RelayClient, "appendBody">;
  readonly feed: string;
  readonly producer: string;
  readonly format: MessageFormat;
  readonly events: readonly Buffer[];
  readonly signal: AbortSignal;
  /** @param done how many events the relay has answered for */
  readonly onProgress: (done: number) => void;
  readonly onTrouble: (error: RelayCallError) => void;
}

export interface Appended {
  /** How many events the relay has answered for; fewer than there are when it was stopped. */
  readonly done: number;
  /** Of them, those that the feed had from an earlier run. */
  readonly duplicates: number;
  readonly refused: readonly { readonly index: number; readonly error: string }[];
  readonly first: number | null;
  readonly last: number | null;
}

/**
 * Appends events in order, each once: a lost answer is repaired by the producer's positions, and so is a run that was
 * stopped, when the next one has the same producer and events.
 * @throws RelayCallError when another try would fail too
 */
export async function appendBatches(options: AppendOptions): Promise<Appended> {
  const { events, signal, onProgress } = options;
  const refused: { index: number; error: string }[] = [];
  let [done, duplicates, position] = [0, 0, 1];
  let first: number | null = null;
  let last: number | null = null;
  while (done < events.length && !signal.aborted) {
    const batch = batchFrom(events, done);
    const answer = await sendUntilAnswered(options, batch, position);
    if (answer === undefined) break;
    for (const { index, error } of answer.refused) refused.push({ index: done + index, error });
    duplicates += answer.duplicates;
    first ??= answer.first;
    last = answer.last ?? last;
    done += batch.length;
    // A request of which everything is refused uses up no positions (docs/producers.md). The next run meets the same.
    if (!answer.wroteNothing) position += batch.length;
    onProgress(done);
  }
  return { done, duplicates, refused, first, last };
}

function batchFrom(events: readonly Buffer[], from: number): readonly Buffer[] {
  let bytes = 0;
  let end = from;
  while (end < events.length && end - from < MAX_BATCH_EVENTS) {
    bytes += events[end]?.length ?? 0;
    if (bytes > MAX_BATCH_BYTES && end > from) break;
    end += 1;
  }
  return events.slice(from, end);
}

type Answer = Pick<AppendResult, "first" | "last" | "duplicates" | "refused"> & {
  readonly wroteNothing: boolean;
};

/** @returns undefined when it was stopped without an answer */
async function sendUntilAnswered(
  { client, feed, producer, format, signal, onTrouble }: AppendOptions,
  batch: readonly Buffer[],
  position: number,
): Promise<Answer | undefined> {
  const bytes = new Uint8Array(Buffer.concat(batch));
  for (let failures = 0; ; failures += 1)
    try {
      const answer = await client.appendBody(feed, { format, bytes }, { producer, position });
      return { ...answer, wroteNothing: false };
    } catch (error) {
      if (!(error instanceof RelayCallError)) throw error;
      if (error.status === 422 && error.refused.length === batch.length)
        return { first: null, last: null, duplicates: 0, refused: error.refused, wroteNothing: true };
      if (!error.retryable) throw error;
      if (failures === 0) onTrouble(error);
      const limitMillis = Math.min(LAST_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** Math.min(failures, 10));
      await pauseUnless(Math.max(Math.random() * limitMillis, error.retryAfterMillis ?? 0), signal);
      if (signal.aborted) return undefined;
    }
}
