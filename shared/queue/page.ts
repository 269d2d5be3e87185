import type { Message } from "./message.ts";
import type { AppendedRun, ProducerTrail } from "./producers.ts";
import type { Sequence } from "./sequence.ts";

/** What every reader of a page needs to know of it without unpacking its body. */
export interface PageFacts {
  readonly first: Sequence;
  readonly count: number;
  /** What is in it, each once: Stasis types, AMI event names and their classes (`namesOf`). */
  readonly names: readonly string[];
  readonly appendedAtEpochMillis: number;
}

/** A page as it is stored: immutable once written. */
export interface StoredPage extends PageFacts {
  readonly codec: string;
  /** CRC-32 of the compressed body. */
  readonly checksum: number;
  readonly body: Uint8Array;
  /** Random; by it a writer whose answer was lost recognises its own page. */
  readonly appendId: string;
  /** What each producer of this page sent, so that a resend finds its first numbers. */
  readonly runs: readonly AppendedRun[];
  /** Where every recent producer of the feed stands after this page. */
  readonly producers: readonly ProducerTrail[];
  /** What converting the events after this page needs to know, packed; absent when that is nothing. */
  readonly callMemory?: Uint8Array | undefined;
}

/** A page unpacked: what deliveries are made from. */
export interface Page extends PageFacts {
  readonly messages: readonly Message[];
  /** Size of the messages in both forms; bounds batches and the page cache. */
  readonly textBytes: number;
}

export function lastOf(page: Pick<PageFacts, "first" | "count">): Sequence {
  return page.first + page.count - 1;
}
