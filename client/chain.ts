import type { AmiMessage, CursorView, Message, StasisMessage, WebhookRequest } from "./types.ts";

/**
 * The chain check: how a receiver proves that it missed nothing. Every request names the last number sent to the session
 * before it (`previous`). A receiver keeps the last number that it stored and compares the two. If `previous` is greater,
 * messages never arrived. Messages that the session's filter leaves out are never `previous`, so they do not count.
 */

/** A receiver's place in its session. Store it in the same transaction as the messages. */
export interface ChainState {
  /** The last sequence number stored. */
  readonly last: number;
  /** The greatest epoch seen. */
  readonly epoch: number;
}

export type ChainLink = Pick<WebhookRequest, "epoch" | "last" | "previous">;

export interface ChainStep {
  /**
   * - `next`: directly follows the last stored message, or is the first request.
   * - `repeated`: every message in it is already stored. Answer 2xx and store nothing.
   * - `late`: sent by a turn that no longer holds the session. Answer 2xx and store nothing: the current holder sends
   *   the same messages.
   * - `overlap`: begins with stored messages. This happens after a change of the session's filter or batch size.
   * - `missing`: messages sent before it never arrived. The only harmless cause is a seek, which skips messages without
   *   a gap message.
   */
  readonly kind: "next" | "repeated" | "late" | "overlap" | "missing";
  /** The receiver's place once the request is stored. */
  readonly state: ChainState;
  /** The range in which at least one message is missing. */
  readonly missing?: { readonly first: number; readonly last: number };
}

/** The first state of a receiver whose session was just created or moved: right before the session's next message. */
export function beginningOf(session: {
  readonly next: number;
  readonly cursor: Pick<CursorView, "fence">;
}): ChainState {
  return { last: session.next - 1, epoch: session.cursor.fence };
}

/**
 * Compares a request's numbers with the receiver's state. Sequence numbers alone decide, so it works without the messages.
 * @param state undefined for a new receiver, which accepts any first request as the beginning
 */
export function checkLink(state: ChainState | undefined, { epoch, last, previous }: ChainLink): ChainStep {
  const advanced = { last, epoch };
  if (state === undefined) return { kind: "next", state: advanced };
  if (epoch < state.epoch) return { kind: "late", state };
  if (last <= state.last) return { kind: "repeated", state: { last: state.last, epoch } };
  if (previous === state.last) return { kind: "next", state: advanced };
  if (previous < state.last) return { kind: "overlap", state: advanced };
  return { kind: "missing", state: advanced, missing: { first: state.last + 1, last: previous } };
}

/** Runs `checkLink` and selects the messages that are not stored yet. Store them together with `state`. */
export function follow(
  state: ChainState | undefined,
  request: ChainLink & Pick<WebhookRequest, "messages">,
): ChainStep & { readonly messages: readonly Message[] } {
  const step = checkLink(state, request);
  const isNew = step.kind !== "repeated" && step.kind !== "late";
  const messages = isNew ? request.messages.filter(({ sequence }) => sequence > (state?.last ?? 0)) : [];
  return { ...step, messages };
}

/** Messages that will never arrive, as reported by a message of type `RelayGap`. */
export interface Gap {
  /**
   * `retention` and `expired`: the session lagged too far. `lost-before-ingest`: a producer's positions jumped. Others are
   * a bridge's: nobody knows how many events are missing, or whether any are.
   */
  readonly reason: string;
  /** Sequence numbers, or the producer's positions when the reason is `lost-before-ingest`. Absent in a bridge's gaps. */
  readonly first?: number;
  readonly last?: number;
  readonly producer?: string;
  /** ISO times between which events may be missing. In a bridge's gaps. */
  readonly from?: string;
  readonly to?: string;
}

/** The gap that a message reports; undefined for an ordinary message. */
export function gapOf(
  message: Pick<StasisMessage, "type" | "event"> | Pick<AmiMessage, "type" | "fields">,
): Gap | undefined {
  if (message.type !== "RelayGap") return undefined;
  const fact = (name: string) =>
    "event" in message ? message.event[name] : message.fields[name.charAt(0).toUpperCase() + name.slice(1)];
  const text = (name: string) => {
    const value = fact(name);
    return value === undefined ? {} : { [name]: String(value) };
  };
  const number = (name: string, ofProducer: string) => {
    const value = fact(name) ?? fact(ofProducer);
    return value === undefined ? {} : { [name]: Number(value) };
  };
  return {
    reason: String(fact("reason")),
    ...number("first", "firstPosition"),
    ...number("last", "lastPosition"),
    ...text("producer"),
    ...text("from"),
    ...text("to"),
  };
}
