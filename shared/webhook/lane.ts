import type { Cursor } from "../sessions/cursor.ts";
import type { DeliveryOutcome } from "./outcome.ts";

/**
 * Two lanes: each is a queue of wakes with a number of invocations of its own. An invocation works on a batch of
 * wakes side by side and holds its place until the last of them is done (SQS event source mappings know no other way),
 * so what one session may do to the others of its lane is bounded here: how long a request may hold a place of the
 * fast lane, and how long an invocation may last.
 */
export type Lane = Cursor["lane"];

export interface LaneSettings {
  readonly requestTimeoutMillis: number;
  readonly fastRequestTimeoutMillis: number;
}

/** A session whose request took longer moves to the slow lane. */
const SLOW_REQUEST_MILLIS = 1_000;

/** How long one request may take. */
export function requestTimeoutMillis(lane: Lane, settings: LaneSettings): number {
  return lane === "fast" ? settings.fastRequestTimeoutMillis : settings.requestTimeoutMillis;
}

/** The lane of a session after an answer that accepts. */
export function laneAfter(answeredInMillis: number): Lane {
  return answeredInMillis > SLOW_REQUEST_MILLIS ? "slow" : "fast";
}

/**
 * Whether a request has only used up what the fast lane has for it. That is no failure: the same batch is sent again by
 * the slow lane, which waits the whole time.
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

/** What one session adds to the time that its invocation may last, and the shortest such time. */
const TURN_MILLIS_PER_SESSION = 1_000;
const SHORTEST_TURN_MILLIS = 2_000;

/**
 * How long the turns of an invocation may go on. An invocation takes no further sessions, so one that was started for
 * few ends soon, and they come back in fuller company. Else a lane's places fill up with invocations of one or two
 * sessions each, and the rest of them wait for a whole turn: measured with 100 sessions on a feed that is never quiet,
 * 10 places of 10 sessions gave a p99 of 9 s.
 */
export function turnMillis(sessions: number, longestMillis: number): number {
  return Math.min(longestMillis, Math.max(SHORTEST_TURN_MILLIS, sessions * TURN_MILLIS_PER_SESSION));
}
