import type { WriterTail } from "../../../functions/ingest/writerTail.ts";
import { EMPTY_CALL_MEMORY } from "../../../shared/ami/callMemory.ts";
import { type Message, renderMessage } from "../../../shared/queue/message.ts";
import type { StoredPage } from "../../../shared/queue/page.ts";
import { encodePage } from "../../../shared/queue/pageCodec.ts";
import type { FeedHead } from "../../../shared/queue/tail.ts";
import type { EventOrRefusal } from "../../../shared/stasis/event.ts";

export const NOW = 1_700_000_000_000;
export const FEED = "pbx-1";

/** An event with its number; of exactly `bytes` bytes if given. */
export function event(name: string | number, { type = "Dial", bytes = 0 } = {}): EventOrRefusal {
  const text = `{"type":"${type}","n":"${name}"}`;
  const filler = bytes > 0 ? `,"x":"${"x".repeat(Math.max(0, bytes - text.length - 7))}"}` : "}";
  const whole = text.slice(0, -1) + filler;
  const body = JSON.parse(whole);
  return { event: { type, timestamp: "2026-11-23T08:00:24.396+0000", text: whole, body } };
}

export function events(count: number, from = 1): EventOrRefusal[] {
  return Array.from({ length: count }, (_, index) => event(from + index));
}

export const refusedEvent: EventOrRefusal = { error: "not JSON" };

export function message(n: number, type = "Dial"): Message {
  return renderMessage(type, "2026-11-23T08:00:24.396+0000", `{"type":"${type}","n":${n}}`);
}

export function headOf(facts: Partial<FeedHead> = {}): FeedHead {
  return { feed: FEED, segmentSize: 10, headSegment: 0, tailHint: 0, clearedSegment: 0, ...facts };
}

export function tailOf(facts: Partial<WriterTail> = {}): WriterTail {
  return {
    feed: FEED,
    segmentSize: 10,
    headSegment: 0,
    next: 1,
    producers: [],
    archived: new Map(),
    callMemory: EMPTY_CALL_MEMORY,
    wrapUnmapped: false,
    lastAppendedAtEpochMillis: 0,
    readAtEpochMillis: NOW,
    headReadAtEpochMillis: NOW,
    ...facts,
  };
}

/** A stored page of `count` messages. */
export function storedPage(first: number, count: number, facts: Partial<StoredPage> = {}): StoredPage {
  return {
    ...encodePage(Array.from({ length: count }, (_, index) => message(first + index))),
    first,
    appendedAtEpochMillis: NOW,
    appendId: `append-${first}`,
    runs: [],
    producers: [],
    ...facts,
  };
}
