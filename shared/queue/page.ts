import type { Message } from "./message.ts";
import type { AppendedRun, ProducerTrail } from "./producers.ts";
import type { Sequence } from "./sequence.ts";

/** The attributes of a page that are readable without unpacking its body. */
export interface PageFacts {
  readonly first: Sequence;
  readonly count: number;
  /** The Stasis types, AMI event names and AMI classes in the page, each once (`namesOf`). */
  readonly names: readonly string[];
  readonly appendedAtEpochMillis: number;
}

/** A page as it is stored: immutable once written. */
export interface StoredPage extends PageFacts {
  readonly codec: string;
  /** CRC-32 of the compressed body. */
  readonly checksum: number;
  readonly body: Uint8Array;
  /** A random id by which a writer recognises its own page after a lost response. */
  readonly appendId: string;
  /** The positions that this page holds of each producer, so that a resend gets its original numbers. */
  readonly runs: readonly AppendedRun[];
  /** The positions of all recent producers of the feed after this page. */
  readonly producers: readonly ProducerTrail[];
  /** The packed call memory for the events after this page; absent when it is empty. */
  readonly callMemory?: Uint8Array | undefined;
}

/** An unpacked page. Batches are made from it. */
export interface Page extends PageFacts {
  readonly messages: readonly Message[];
  /** The size of the messages in both forms. It bounds batches and the page cache. */
  readonly textBytes: number;
}

/** A source reads so many pages at a time: enough small ones for one batch. With large ones, DynamoDB itself stops at 1 MB. */
export const PAGES_PER_READ = 25;

export function lastOf(page: Pick<PageFacts, "first" | "count">): Sequence {
  return page.first + page.count - 1;
}
