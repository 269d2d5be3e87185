import { HttpProblem } from "../../shared/http/problem.ts";
import {
  hasForm,
  type Message,
  type MessageFormat,
  type NumberedMessage,
  renderMessages,
} from "../../shared/queue/message.ts";
import { lastOf, type Page } from "../../shared/queue/page.ts";
import { firstOfSegment, lastOfSegment, type Sequence } from "../../shared/queue/sequence.ts";
import { type FoundTail, firstHeld, readTail, type Tail, tailSegment } from "../../shared/queue/tail.ts";
import type { ApiParts } from "./parts.ts";
import { type Place, type Position, resolvePosition } from "./position.ts";
import type { FeedView } from "./schemas/feeds.ts";
import { countSessions } from "./sessionCounts.ts";
import type { Waiting } from "./waiting.ts";

/** A Lambda function can answer 6 MB; a message may have 128 KiB, and up to six times that as JSON. */
export const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** @throws HttpProblem 404 when nothing was ever appended to the feed and no session follows it */
export async function requireTail(
  parts: Pick<ApiParts, "tails" | "clock">,
  feed: string,
): Promise<FoundTail> {
  const tail = await readTail(parts.tails, feed, () => parts.clock.nowEpochMillis());
  if (tail === undefined) throw new HttpProblem(404, "feed.unknown", `There is no feed ${feed}.`);
  return tail;
}

/** A feed with small segments can have millions. */
const MAX_LISTED_SEGMENTS = 100;

/**
 * The feed's segments, with the messages and the sessions in each. Of too many, those where sessions stand are listed, the
 * lowest first, with the head segment and the last one.
 */
export async function describeFeed(parts: ApiParts, feed: string): Promise<FeedView> {
  const tail = await requireTail(parts, feed);
  const counts = await countSessions(parts, feed);
  const { segmentSize, headSegment } = tail;
  const lastSegment = Math.max(tailSegment(tail), ...counts.keys());
  const segments = listedSegments(headSegment, lastSegment, [...counts.keys()]).map((segment) => {
    const end = Math.min(lastOfSegment(segment, segmentSize), tail.next - 1);
    return {
      segment,
      messages: Math.max(0, end - firstOfSegment(segment, segmentSize) + 1),
      references: counts.get(segment) ?? 0,
    };
  });
  const options = tail.wrapUnmapped ? { wrapUnmapped: true as const } : {};
  const left = lastSegment - headSegment + 1 - segments.length;
  const leftOut = left > 0 ? { segmentsLeftOut: left } : {};
  return { feed, head: firstHeld(tail), tail: tail.next - 1, segmentSize, ...options, segments, ...leftOut };
}

function listedSegments(head: number, last: number, counted: readonly number[]): number[] {
  if (last - head < MAX_LISTED_SEGMENTS)
    return Array.from({ length: last - head + 1 }, (_, index) => head + index);
  const between = counted.filter((segment) => segment > head && segment < last).sort((a, b) => a - b);
  return [head, ...between.slice(0, MAX_LISTED_SEGMENTS - 2), last];
}

/** Changes the feed's options; the feed may be new. Writers see the change once their cached tail expires. */
export async function changeFeed(
  parts: ApiParts,
  feed: string,
  { wrapUnmapped }: { wrapUnmapped: boolean },
): Promise<FeedView> {
  await parts.heads.createFeed(feed, parts.settings.segmentSize);
  await parts.heads.setWrapUnmapped(feed, wrapUnmapped);
  return describeFeed(parts, feed);
}

interface MessagesQuery {
  readonly from?: Position | undefined;
  readonly limit: number;
  readonly format: MessageFormat;
  /** How long to wait for the first message. */
  readonly wait: number;
}

/** Reads messages without a session. Returns JSON text, because events are passed on as they were sent. */
export async function readMessages(
  parts: ApiParts,
  waiting: Waiting,
  feed: string,
  query: MessagesQuery,
): Promise<string> {
  const tail = await requireTail(parts, feed);
  const place = await beginningOf(parts, query.from ?? "head", tail);
  const reading = new Reading(parts, tail, place.next, query);
  await reading.readUpTo(tail.next);
  // A gap is news too.
  if (reading.messages.length === 0 && place.gap === undefined && query.wait > 0)
    await waiting.until(query.wait * 1000, async () => {
      await reading.readUpTo(Number.POSITIVE_INFINITY);
      return reading.messages.length > 0 || undefined;
    });
  const { messages, next } = reading;
  const gap = place.gap ? `,"gap":${JSON.stringify({ first: place.gap.first, last: place.gap.last })}` : "";
  return `{"feed":${JSON.stringify(feed)},"messages":${renderMessages(messages, query.format)},"next":${next}${gap}}`;
}

/** What a response has so far. */
class Reading {
  readonly messages: NumberedMessage[] = [];
  next: Sequence;
  readonly #parts: Pick<ApiParts, "pages">;
  readonly #feed: Pick<Tail, "feed" | "segmentSize">;
  readonly #query: MessagesQuery;
  #bytes = 0;

  constructor(
    parts: Pick<ApiParts, "pages">,
    feed: Pick<Tail, "feed" | "segmentSize">,
    next: Sequence,
    query: MessagesQuery,
  ) {
    this.#parts = parts;
    this.#feed = feed;
    this.#query = query;
    this.next = next;
  }

  /** Reads on to `end`, to the end of the feed, or to the limits of a response. */
  async readUpTo(end: number): Promise<void> {
    while (!this.#isFull() && this.next < end) {
      const [page] = await this.#parts.pages.read(this.#feed.feed, this.#feed.segmentSize, this.next);
      if (page === undefined) return;
      // The pages between have expired.
      this.next = Math.max(this.next, page.first);
      for (; this.next <= lastOf(page) && !this.#isFull(); this.next += 1) this.#add(page);
    }
  }

  #add(page: Page): void {
    const message = page.messages[this.next - page.first];
    if (message === undefined || !hasForm(message, this.#query.format)) return;
    this.messages.push({ sequence: this.next, message });
    this.#bytes += answeredBytes(message, this.#query.format);
  }

  #isFull(): boolean {
    return this.messages.length >= this.#query.limit || this.#bytes >= MAX_ANSWER_BYTES;
  }
}

/** A reader may begin anywhere: it is given a gap for what is freed, and nothing for what is yet to come. */
async function beginningOf(parts: ApiParts, from: Position, tail: Tail): Promise<Place> {
  const head = firstHeld(tail);
  if (typeof from !== "number") return resolvePosition(parts.pageTimes, from, tail);
  if (from >= head) return { next: from };
  return { next: head, gap: { first: from, last: head - 1, reason: "retention" } };
}

/** Bytes of the message in the response. AMI text occurs twice, with control characters escaped. */
function answeredBytes({ text, ami }: Message, format: MessageFormat): number {
  return format === "ami" ? 2 * Buffer.byteLength(JSON.stringify(ami?.text ?? "")) : Buffer.byteLength(text);
}
