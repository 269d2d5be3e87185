import type { Follower } from "../../shared/queue/follower.ts";
import type { SessionWake } from "../../shared/queue/hints.ts";
import { type Cursor, isTakeable } from "../../shared/sessions/cursor.ts";
import type { Session } from "../../shared/sessions/session.ts";
import { runTurn, type TurnParts } from "../../shared/sessions/turn.ts";
import { WebhookOutlet, type WebhookOutletParts } from "../../shared/webhook/outlet.ts";

export interface DeliverParts extends TurnParts, Omit<WebhookOutletParts, "settings"> {
  readonly cursors: TurnParts["cursors"] & {
    readCursor(feed: string, sessionId: string): Promise<Cursor | undefined>;
  };
  readonly sessions: WebhookOutletParts["sessions"] & {
    readSession(sessionId: string): Promise<Session | undefined>;
  };
  followerOf(feed: string, segmentSize: number): Follower;
  readonly settings: TurnParts["settings"] & WebhookOutletParts["settings"];
}

/**
 * Runs one turn of the session that a wake names. A wake is only a hint: it is dropped when the row is held, waiting,
 * gone or of another kind, or when there is nothing to read.
 * @param turnMillis the turn begins no further batch after this time
 */
export async function deliver(parts: DeliverParts, wake: SessionWake, turnMillis: number): Promise<void> {
  const cursor = await parts.cursors.readCursor(wake.feed, wake.session);
  if (cursor === undefined || !isTakeable(cursor, parts.clock.nowEpochMillis())) return;
  const session = await parts.sessions.readSession(wake.session);
  // Sessions of other kinds follow their feed by themselves: nobody wakes them, and a stray wake changes nothing.
  if (session?.kind !== "webhook") return;
  await runTurn(parts, {
    cursor,
    outlet: new WebhookOutlet(parts, session),
    follower: parts.followerOf(cursor.feed, cursor.segmentSize),
    endsAtEpochMillis: parts.clock.nowEpochMillis() + turnMillis,
  });
}
