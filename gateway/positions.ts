import { RelayError } from "../shared/errors.ts";
import type { Sequence } from "../shared/queue/sequence.ts";
import type { CursorGap } from "../shared/sessions/cursor.ts";
import type { AmiUser } from "./users.ts";

/** Where users stand in their feeds. */
export interface Positions {
  /**
   * The position of a connection that has just logged in: the user's durable one, leased to this connection, or the
   * feed's tail for a user without `resume`, of which nothing is stored.
   * @param signal aborts when the connection is closed while this call waits
   * @throws PositionInUseError when another connection holds the position and the user's second login is refused
   * @throws FeedMissingError when the feed does not exist
   */
  open(user: AmiUser, signal: AbortSignal): Promise<OpenPosition>;
}

/** A position that one connection holds until `close`. */
export interface OpenPosition {
  /** The first number that the connection is to get. */
  readonly next: Sequence;
  /** A gap before `next` that the client was not told yet. */
  readonly gap?: CursorGap | undefined;
  /**
   * Remembers that the client's system has everything below `next`, and the gap before it. What was only written to a
   * socket is not enough: in a silent cut the kernel takes it for minutes. Returns at once; the row is written every few
   * seconds, when `next` enters another segment, and by `close`.
   * @returns a gap that the connection must tell before it goes on at `gap.last + 1`: the sweep has moved the position
   * forward because it lagged beyond the retention
   */
  advance(next: Sequence): CursorGap | undefined;
  /** Aborts when the connection must be closed. Its `reason` is a `PositionLoss`. */
  readonly lost: AbortSignal;
  /**
   * Writes the last position and gives up the lease. Never rejects; safe to repeat.
   * @param isReceived whether the client has surely received everything: it answered the connection's end with its own.
   * Otherwise the client is given the last seconds again, as it may have lost them before its program read them.
   */
  close(isReceived?: boolean): Promise<void>;
}

/** Why a connection lost its position. */
export type PositionLoss = "taken-over" | "deleted" | "paused" | "changed" | "lease-expired";

/** Another connection holds the position. Manager's words for it are "Login Already In Use". */
export class PositionInUseError extends RelayError {
  constructor(facts: { feed: string; session: string }) {
    super("position.in-use", `another connection holds the position of session ${facts.session}`, { facts });
  }
}

/** The user's feed does not exist, so there is nothing to follow. */
export class FeedMissingError extends RelayError {
  constructor(facts: { feed: string; session: string }) {
    super("feed.missing", `feed ${facts.feed} does not exist`, { facts });
  }
}
