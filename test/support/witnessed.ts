import { type AmiMessage, gapOf, type StasisMessage, type WebhookRequest } from "../../client/index.ts";
import type { ReferenceCounts } from "../../shared/aws/references.ts";
import type { PageFacts } from "../../shared/queue/page.ts";
import type { Expiring } from "../../shared/queue/pageExpiry.ts";
import type { FeedHead } from "../../shared/queue/tail.ts";
import type { Cursor } from "../../shared/sessions/cursor.ts";

/** The rows of one feed, in memory or in DynamoDB. */
export interface FeedRows {
  readonly head: FeedHead;
  /** In order of their numbers. `segment` is part of the key that the page is stored under. */
  readonly pages: readonly {
    readonly first: number;
    readonly segment: number;
    readonly events: readonly string[];
    /** The time from the append until the page expires; absent: for ever. */
    readonly keptMillis?: number;
  }[];
  /** Of single sessions and of those in groups, each with the segment in which it or its group is counted. */
  readonly cursors: readonly Cursor[];
  /** What is counted: single sessions and groups. The cursors if absent. */
  readonly counted?: readonly { readonly segment: number }[];
  readonly counts: ReferenceCounts;
}

export function keptMillisOf({
  appendedAtEpochMillis,
  expiresAtEpochSeconds = Number.POSITIVE_INFINITY,
}: Pick<PageFacts, "appendedAtEpochMillis"> & Expiring): number {
  return 1000 * expiresAtEpochSeconds - appendedAtEpochMillis;
}

/** The outside view of a run. An event is its JSON text (`eventText`), and no two are alike. */
export interface Witnessed {
  /** Events that the relay accepted, with their numbers where the response revealed them. */
  readonly accepted: readonly AcceptedEvent[];
  /** Requests that endpoints received, in order of arrival, refused or not. */
  readonly deliveries: readonly Delivery[];
  readonly sessions: readonly WatchedSession[];
  /** The values of the cursors' `next` over time. */
  readonly moves?: readonly {
    readonly session: string;
    readonly generation: number;
    readonly next: number;
  }[];
  /** What the PBX of this feed handed over to a bridge, in order. Absent when there was no bridge. */
  readonly handedOver?: readonly HandedOverEvent[];
}

/** An event that a PBX wrote to a socket. Whether the bridge got it, nobody knows. */
export interface HandedOverEvent {
  readonly event: string;
  /** The PBX's start time: another one means that it restarted. */
  readonly epoch: string;
}

/** An accepted event, with what the response says about its number. */
export interface AcceptedEvent {
  readonly event: string;
  readonly sequence?: number | undefined;
  /** Its number is not below this. Absent when nothing is known. */
  readonly atLeast?: number | undefined;
  /** Its number is not above this. */
  readonly atMost?: number | undefined;
}

/**
 * What the response to a batch says about the numbers of its events. A batch that fills more than one page may have
 * other events in between. Then only a range is known for each event. A number that is null was freed.
 */
export function acceptedAs(
  events: readonly string[],
  { first, last }: { readonly first: number | null; readonly last: number | null },
): AcceptedEvent[] {
  const isWhole = first !== null && last !== null && last - first + 1 === events.length;
  return events.map((event, index) =>
    isWhole
      ? { event, sequence: first + index }
      : {
          event,
          atLeast: (first ?? 1) + index,
          atMost: last === null ? undefined : last - (events.length - 1 - index),
        },
  );
}

export interface WatchedSession {
  readonly session: string;
  /** The first number that the session must get. */
  readonly start: number;
  /** Every message if absent. */
  readonly wants?: (event: string) => boolean;
  /** False for a paused, suspended or deleted session, which need not reach the tail. */
  readonly mustReachTail: boolean;
}

export interface Delivery {
  readonly session: string;
  readonly id: string;
  readonly previous: number;
  readonly messages: readonly { readonly sequence: number; readonly event: string }[];
  /** The messages that this delivery reports as missing. */
  readonly gap?: { readonly first: number; readonly last: number } | undefined;
}

export function eventText(event: unknown): string {
  return JSON.stringify(event);
}

interface ReceivedBody extends Pick<WebhookRequest, "session" | "previous" | "first" | "last"> {
  readonly messages: readonly (
    | Pick<StasisMessage, "sequence" | "type" | "event">
    | Pick<AmiMessage, "sequence" | "type" | "fields">
  )[];
}

/** A webhook request as a delivery. */
export function deliveryOf(id: string, { session, previous, first, last, messages }: ReceivedBody): Delivery {
  const [only] = messages;
  const reason = only && gapOf(only)?.reason;
  const reportsGap = reason === "retention" || reason === "expired";
  return {
    session,
    id,
    previous,
    messages: messages.map((message) => ({
      sequence: message.sequence,
      event: eventText("event" in message ? message.event : undefined),
    })),
    gap: reportsGap ? { first, last } : undefined,
  };
}
