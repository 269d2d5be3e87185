import type { CallMemoryState } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { type Message, renderAmiOnly, renderGap, renderMessage } from "../../shared/queue/message.ts";
import { MAX_PAGE_MESSAGES, MAX_PAGE_TEXT_BYTES } from "../../shared/queue/pageCodec.ts";
import {
  type AppendedRun,
  firstKnown,
  type PositionRange,
  type ProducerTrail,
  REMEMBERED_PRODUCERS,
  remember,
  standing,
  withGap,
} from "../../shared/queue/producers.ts";
import { lastOfSegment, type Sequence, segmentOf } from "../../shared/queue/sequence.ts";
import type { EventOrRefusal } from "../../shared/stasis/event.ts";
import { trailOf, type WriterTail } from "./writerTail.ts";

/** Each run costs up to 250 bytes of the page's item. Its limit is DynamoDB's 400 KB, of which messages take 256 KB. */
const MAX_PAGE_RUNS = 128;

/** A page's item lists the names of its messages beside its body. 500 names of 128 letters have 64,000 bytes. */
const MAX_PAGE_NAME_BYTES = 80 * 1024;

/** The events that one producer sends at once. Without a `producer`, a resend cannot be recognised. */
export interface Submission {
  readonly producer?: SubmittingProducer;
  readonly events: readonly EventOrRefusal[];
}

export interface SubmittingProducer {
  readonly id: string;
  readonly position: number;
  /** The id of the key that the request carries; absent for the management key and for SQS. */
  readonly key?: string | undefined;
}

/** The progress of a submission: its first `offset` events are appended, recognised or refused. */
export interface Progress {
  readonly submission: Submission;
  readonly offset: number;
}

/** The next page, and the progress of the submissions once it is written. */
export interface PagePlan {
  readonly first: Sequence;
  readonly messages: readonly Message[];
  readonly runs: readonly AppendedRun[];
  readonly producers: readonly ProducerTrail[];
  readonly callMemory: CallMemoryState;
  /** One per submission, in order. */
  readonly steps: readonly Step[];
}

/** The effect of one page on one submission. */
export interface Step {
  readonly offset: number;
  readonly accepted: number;
  /** Numbers of the first and last event that this page takes from the submission; undefined when it takes none. */
  readonly first?: Sequence;
  readonly last?: Sequence;
  /** Indexes of events that were appended before. */
  readonly duplicates: readonly number[];
  /** The submission contradicts its producer's earlier positions and is refused as a whole. */
  readonly conflict?: { readonly expected: number; readonly position: number };
}

/**
 * Plans one page after `tail`. Events that were appended before are left out, and a hole in a producer's positions
 * becomes a gap message. The page ends at the segment's border or when it is full. The function is pure: after a lost
 * race the same work can be planned again on a newer tail, because nothing counts until the page is written.
 */
export function planPage(tail: WriterTail, work: readonly Progress[], nowEpochMillis: number): PagePlan {
  const page = new PageUnderConstruction(tail, nowEpochMillis);
  const steps = work.map((progress) => page.take(progress));
  return {
    first: tail.next,
    messages: page.messages,
    runs: page.runs,
    callMemory: page.converter.memory(),
    producers: remember(tail.producers, [...page.touched.values()].reverse(), nowEpochMillis),
    steps,
  };
}

class PageUnderConstruction {
  readonly messages: Message[] = [];
  readonly runs: AppendedRun[] = [];
  readonly touched = new Map<string, ProducerTrail>();
  readonly converter: AmiConverter;
  readonly #tail: WriterTail;
  readonly #nowEpochMillis: number;
  readonly #capacity: number;
  readonly #names = new Set<string>();
  #nameBytes = 0;
  #textBytes = 0;

  constructor(tail: WriterTail, nowEpochMillis: number) {
    this.#tail = tail;
    this.#nowEpochMillis = nowEpochMillis;
    const segmentEnd = lastOfSegment(segmentOf(tail.next, tail.segmentSize), tail.segmentSize);
    this.converter = new AmiConverter(tail.callMemory, { wrapUnmapped: tail.wrapUnmapped });
    this.#capacity = Math.min(MAX_PAGE_MESSAGES, segmentEnd - tail.next + 1);
  }

  take({ submission, offset }: Progress): Step {
    const { producer, events } = submission;
    const duplicates: number[] = [];
    // A finished submission must not use up the room that others wait for, page after page.
    if (offset >= events.length) return { offset, accepted: 0, duplicates };
    if (producer && !this.#hasRoomFor(producer.id)) return { offset, accepted: 0, duplicates };
    let known = producer && (this.touched.get(producer.id) ?? trailOf(this.#tail, producer.id));
    let expected = 0;
    if (producer) {
      const first = producer.position + offset;
      const stand = standing(known, [first, producer.position + events.length - 1]);
      if (stand.kind === "conflict") {
        const { position } = stand;
        return {
          offset: events.length,
          accepted: 0,
          duplicates,
          conflict: { expected: stand.expected, position },
        };
      }
      if (stand.kind === "jumps") {
        const gap = [stand.expected, first - 1] as const;
        if (!this.#addGap(producer.id, gap)) return { offset, accepted: 0, duplicates };
        known = known && { ...known, ...withGap({ ...known, start: firstKnown(known) }, gap) };
      }
      expected = stand.kind === "jumps" ? first : stand.expected;
    }

    const numbers: number[] = [];
    let index = offset;
    for (; index < events.length; index += 1) {
      const position = (producer?.position ?? 0) + index;
      const item = events[index];
      if (item === undefined || "error" in item) continue;
      if (producer && position < expected) {
        duplicates.push(index);
        continue;
      }
      const run = producer && this.#runBefore(producer.id, position);
      if (producer && !run && this.runs.length >= MAX_PAGE_RUNS) break;
      if (this.messages.length >= this.#capacity) break;
      const sequence = this.#add(this.#messageOf(item));
      if (sequence === undefined) break;
      if ("event" in item) this.converter.passed(item.event);
      numbers.push(sequence);
      if (run) this.runs[this.runs.length - 1] = { ...run, count: run.count + 1 };
      else if (producer) this.#beginRun(producer.id, position, sequence);
    }
    if (producer) this.#leaveTrail(producer, known, index, numbers.length > 0);
    return { offset: index, accepted: numbers.length, duplicates, ...ends(numbers) };
  }

  /** A page changes at most as many trails as are remembered. A trail dropped at once could not recognise a resend. */
  #hasRoomFor(producer: string): boolean {
    return this.touched.has(producer) || this.touched.size < REMEMBERED_PRODUCERS;
  }

  /** The event's message. If it does not fit, the next page converts the event again. */
  #messageOf(item: Exclude<EventOrRefusal, { error: string }>): Message {
    const now = () => new Date(this.#nowEpochMillis).toISOString();
    if ("ami" in item) return renderAmiOnly(item.ami, now());
    const { type, timestamp, text } = item.event;
    return renderMessage(type, timestamp ?? now(), text, this.converter.convert(item.event));
  }

  /** Adds a message and returns its number; undefined when the page is full. */
  #add(message: Message): number | undefined {
    const names = [message.type, message.ami?.name].filter((name) => name !== undefined);
    const newNames = names.filter((name) => !this.#names.has(name));
    const nameBytes = newNames.reduce((sum, name) => sum + Buffer.byteLength(name), 0);
    const bytes =
      Buffer.byteLength(message.text) +
      Buffer.byteLength(message.ami?.raw?.latin1 ?? message.ami?.text ?? "") +
      2;
    if (this.messages.length >= this.#capacity) return undefined;
    if (this.messages.length > 0 && this.#textBytes + bytes > MAX_PAGE_TEXT_BYTES) return undefined;
    if (this.#nameBytes + nameBytes > MAX_PAGE_NAME_BYTES) return undefined;
    this.messages.push(message);
    for (const name of newNames) this.#names.add(name);
    this.#nameBytes += nameBytes;
    this.#textBytes += bytes;
    return this.#tail.next + this.messages.length - 1;
  }

  /** Returns false when the page has no room. */
  #addGap(producer: string, [firstPosition, lastPosition]: PositionRange): boolean {
    const gap = renderGap(
      "lost-before-ingest",
      { producer, firstPosition, lastPosition },
      this.#nowEpochMillis,
    );
    return this.#add(gap) !== undefined;
  }

  /** The page's last run, if a message with this position continues it. */
  #runBefore(producer: string, position: number): AppendedRun | undefined {
    const run = this.runs.at(-1);
    const continues =
      run?.producer === producer &&
      run.position + run.count === position &&
      run.first + run.count === this.#tail.next + this.messages.length;
    return continues ? run : undefined;
  }

  #beginRun(producer: string, position: number, first: Sequence): void {
    this.runs.push({
      producer,
      position,
      first,
      count: 1,
      earlierPage: trailOf(this.#tail, producer)?.page ?? 0,
    });
  }

  #leaveTrail(
    producer: SubmittingProducer,
    known: ProducerTrail | undefined,
    index: number,
    appended: boolean,
  ): void {
    const key = known?.key ?? producer.key;
    this.touched.set(producer.id, {
      ...(key !== undefined && { key }),
      id: producer.id,
      start: known === undefined ? producer.position : firstKnown(known),
      gaps: known?.gaps ?? [],
      next: Math.max(known?.next ?? 0, producer.position + index),
      page: appended ? this.#tail.next : (known?.page ?? 0),
      lastSeenEpochMillis: this.#nowEpochMillis,
    });
  }
}

function ends(numbers: readonly number[]): { first?: Sequence; last?: Sequence } {
  const first = numbers[0];
  const last = numbers.at(-1);
  return first === undefined || last === undefined ? {} : { first, last };
}
