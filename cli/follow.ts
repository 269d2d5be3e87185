import { RelayCallError } from "../client/relayCallError.ts";
import type { RelayClient } from "../client/relayClient.ts";
import type { Message, MessageFormat, MessageList, Position } from "../client/types.ts";
import { pauseUnless } from "./interruption.ts";

export interface FollowOptions {
  readonly client: Pick<RelayClient, "messages">;
  readonly feed: string;
  readonly format: MessageFormat;
  readonly from: Position;
  readonly signal: AbortSignal;
  /** Ends at the end of the feed, in place of waiting there. */
  readonly endsAtTail?: boolean;
  /** The relay does not answer; it is asked again after so long. */
  readonly onTrouble: (error: RelayCallError, retryInMillis: number) => void;
  /** It answers again. */
  readonly onRecovery: () => void;
}

/** What a follower got. `next` is where it goes on. */
export type Followed = Pick<MessageList, "messages" | "next" | "gap">;

const PAGE_MESSAGES = 500;
/** As long as the interface allows: each call costs something, and waiting costs the least here. */
const WAIT_SECONDS = 20;
const FIRST_RETRY_MILLIS = 500;
const LAST_RETRY_MILLIS = 10_000;

/**
 * Yields a feed's messages as they are appended, until the signal aborts. It begins with a page that may be empty and
 * says where it stands. When the relay is away it tries again and misses nothing.
 * @throws RelayCallError when the first call fails, or when another try would fail too
 */
export async function* follow(options: FollowOptions): AsyncGenerator<Followed, void, undefined> {
  const { client, feed, format, signal, endsAtTail = false, onTrouble, onRecovery } = options;
  let from = options.from;
  let isPlaced = false;
  let failures = 0;
  while (!signal.aborted) {
    let page: MessageList;
    try {
      // The first answer comes at once: it turns "tail" into a number, from which nothing is missed.
      const wait = isPlaced && !endsAtTail ? { wait: WAIT_SECONDS } : {};
      page = await client.messages(feed, { from, format, limit: PAGE_MESSAGES, ...wait }, { signal });
    } catch (error) {
      if (signal.aborted) return;
      // A relay that never answered may be the wrong one.
      if (!isPlaced || !(error instanceof RelayCallError && error.retryable)) throw error;
      failures += 1;
      const limitMillis = Math.min(LAST_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** Math.min(failures, 10));
      const millis = Math.max(error.retryAfterMillis ?? 0, FIRST_RETRY_MILLIS + Math.random() * limitMillis);
      if (failures === 1) onTrouble(error, millis);
      await pauseUnless(millis, signal);
      continue;
    }
    if (failures > 0) onRecovery();
    failures = 0;
    yield page;
    // Messages without this form are passed over without one: only an unmoved answer is the end.
    if (endsAtTail && isPlaced && page.next === from) return;
    isPlaced = true;
    from = page.next;
  }
}

/**
 * Whether a follower of these types wants the message; of all when undefined. As in a session's filter, a gap passes.
 * Upper and lower case count as the same: people type them.
 */
export function isWanted({ type }: Pick<Message, "type">, types: readonly string[] | undefined): boolean {
  if (types === undefined || type === "RelayGap") return true;
  return types.some((wanted) => wanted.toLowerCase() === type.toLowerCase());
}
