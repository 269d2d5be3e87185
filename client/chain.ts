import type { AmiMessage, Message, Session, StasisMessage, WebhookRequest } from "./types.ts";

/**
 * The numbers by which a receiver proves that it missed nothing. Every request names the number that was sent to its
 * session before it (`previous`). A receiver that keeps the last number it stored can therefore tell whether anything
 * lies between the two, whatever the session's filter leaves out.
 */

/** Where a receiver stands in its session. Store it together with the messages. */
export interface ChainState {
  /** The last sequence number that is stored. */
  readonly last: number;
  /** The greatest epoch that was seen. */
  readonly epoch: number;
}

export type ChainLink = Pick<WebhookRequest, "epoch" | "last" | "previous">;

export interface ChainStep {
  /**
   * - `next`: follows on what is stored, or is the first request of all.
   * - `repeated`: everything in it is stored. Answer 2xx and store nothing.
   * - `late`: sent by a process that has lost the session. Answer 2xx and store nothing: the process that has the session
   *   now sends the same messages.
   * - `overlap`: begins with messages that are stored, as after a change of the session's filter or batch size.
   * - `missing`: something was sent before it that never came. Only moving a session (seek) skips messages silently.
   */
  readonly kind: "next" | "repeated" | "late" | "overlap" | "missing";
  /** Where the receiver stands once the request is stored. */
  readonly state: ChainState;
  /** The numbers among which something is missing. */
  readonly missing?: { readonly first: number; readonly last: number };
}

/** Where the receiver of a session stands that has just been created or moved: right before its next message. */
export function beginningOf(session: {
  readonly next: number;
  readonly cursor: Pick<Session["cursor"], "fence">;
}): ChainState {
  return { last: session.next - 1, epoch: session.cursor.fence };
}

/**
 * Holds the numbers of a request against where the receiver stands.
 * @param state undefined when nothing is known yet: then whatever comes first is taken for the beginning
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

/** `checkLink`, and the messages of the request that are not stored yet: store them together with `state`. */
export function follow(
  state: ChainState | undefined,
  request: ChainLink & Pick<WebhookRequest, "messages">,
): ChainStep & { readonly messages: readonly Message[] } {
  const step = checkLink(state, request);
  const isNew = step.kind !== "repeated" && step.kind !== "late";
  const messages = isNew ? request.messages.filter(({ sequence }) => sequence > (state?.last ?? 0)) : [];
  return { ...step, messages };
}

/** Messages that will never come, as a message of type `RelayGap` tells it. */
export interface Gap {
  /** `retention`, `expired`: the session lagged too far. `lost-before-ingest`: a producer's positions jumped. */
  readonly reason: string;
  /** Sequence numbers, or the producer's positions. */
  readonly first: number;
  readonly last: number;
  readonly producer?: string;
}

/** The gap that a message tells; undefined for any other message. */
export function gapOf(
  message: Pick<StasisMessage, "type" | "event"> | Pick<AmiMessage, "type" | "fields">,
): Gap | undefined {
  if (message.type !== "RelayGap") return undefined;
  const fact = (name: string) =>
    "event" in message ? message.event[name] : message.fields[name.charAt(0).toUpperCase() + name.slice(1)];
  const producer = fact("producer");
  return {
    reason: String(fact("reason")),
    first: Number(fact("first") ?? fact("firstPosition")),
    last: Number(fact("last") ?? fact("lastPosition")),
    ...(producer === undefined ? {} : { producer: String(producer) }),
  };
}
