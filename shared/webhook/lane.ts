import type { Cursor } from "../sessions/cursor.ts";
import type { DeliveryOutcome } from "./outcome.ts";

/**
 * The two lanes. Each lane is a queue of wakes with its own concurrency. An invocation processes a batch of wakes
 * concurrently and ends only when the last of them is done: SQS event source mappings offer no other way. So these
 * limits bound how much one session can delay the others of its lane: the time of one request in the fast lane, and
 * the time of one invocation.
 */
export type Lane = Cursor["lane"];

export interface LaneSettings {
  readonly requestTimeoutMillis: number;
  readonly fastRequestTimeoutMillis: number;
}

/** A session whose request took longer moves to the slow lane. */
const SLOW_REQUEST_MILLIS = 1_000;

/** The timeout of one request. */
export function requestTimeoutMillis(lane: Lane, settings: LaneSettings): number {
  return lane === "fast" ? settings.fastRequestTimeoutMillis : settings.requestTimeoutMillis;
}

/** A session's lane after an accepted request. */
export function laneAfter(answeredInMillis: number): Lane {
  return answeredInMillis > SLOW_REQUEST_MILLIS ? "slow" : "fast";
}

/**
 * Whether a request only exceeded the fast lane's shorter timeout. That is not a failure: the slow lane retries the same
 * batch with the full timeout.
 */
export function hasOutstayed(
  lane: Lane,
  outcome: DeliveryOutcome & { kind: "failed" },
  settings: LaneSettings,
): boolean {
  return (
    lane === "fast" &&
    outcome.reason === "timeout" &&
    settings.fastRequestTimeoutMillis < settings.requestTimeoutMillis
  );
}

/** The time that each session adds to its invocation, and the shortest time of an invocation. */
const TURN_MILLIS_PER_SESSION = 1_000;
const SHORTEST_TURN_MILLIS = 2_000;

/**
 * How long the turns of an invocation may last. A running invocation takes no more sessions. So an invocation with few
 * sessions ends early, and they are batched again with more sessions. Otherwise invocations with one or two sessions
 * would use up the lane's concurrency, and all other sessions would wait for a whole turn. Measured with 100 sessions
 * on a feed that is never quiet: 10 invocations of up to 10 sessions gave a p99 of 9 s.
 */
export function turnMillis(sessions: number, longestMillis: number): number {
  return Math.min(longestMillis, Math.max(SHORTEST_TURN_MILLIS, sessions * TURN_MILLIS_PER_SESSION));
}

/** How far apart the times are at which the turns of groups end. */
const GROUP_TURN_MILLIS = 5_000;

/**
 * How long the turn of a group lasts that begins now. From `restMillis` on it ends when everybody has everything, and after
 * `turnMillis` with work left. All turns of a feed end at the same times, whenever they began. So groups that were woken one
 * by one are woken, or handed on, together, and share an invocation from then on.
 * @param phase of the feed, so that not all feeds end their turns at the same time
 */
export function groupTurn(
  nowEpochMillis: number,
  phase: number,
  longestMillis: number,
): { readonly restMillis: number; readonly turnMillis: number } {
  const shortest = nowEpochMillis + GROUP_TURN_MILLIS / 2;
  const offset = phase % GROUP_TURN_MILLIS;
  const end = Math.ceil((shortest - offset) / GROUP_TURN_MILLIS) * GROUP_TURN_MILLIS + offset;
  const restMillis = Math.min(end - nowEpochMillis, longestMillis);
  return { restMillis, turnMillis: Math.min(restMillis + GROUP_TURN_MILLIS / 2, longestMillis) };
}
