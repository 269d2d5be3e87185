import type { GroupWritten } from "../../shared/aws/cursorGroups.ts";
import type { ReferenceCounts } from "../../shared/aws/references.ts";
import type { CursorGroup, GroupChange } from "../../shared/groups/group.ts";
import type { Joining } from "../../shared/groups/membership.ts";
import type { GroupListing } from "../../shared/groups/unreadable.ts";
import type { WakeGroupParts } from "../../shared/groups/wakeGroups.ts";
import type { GroupWake } from "../../shared/queue/hints.ts";
import type { PageFacts } from "../../shared/queue/page.ts";
import type { Expiring } from "../../shared/queue/pageExpiry.ts";
import type { Segment, Sequence } from "../../shared/queue/sequence.ts";
import type { FeedHead, LastPage, TailSource } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import type { Cursor, DeliveryFailure } from "../../shared/sessions/cursor.ts";
import type { Session, WebhookSession } from "../../shared/sessions/session.ts";
import type { WakeParts } from "../../shared/sessions/wake.ts";

/** The ports and settings of the sweep. */
export interface SweepParts extends WakeParts {
  readonly groupWakes: WakeGroupParts["wakes"] & {
    sendWake(target: GroupWake, delayMillis: number): Promise<void>;
  };
  readonly tails: TailSource;
  readonly heads: {
    listHeads(): Promise<FeedHead[]>;
    moveTailHint(feed: string, tail: Sequence): Promise<void>;
    moveHead(feed: string, segment: Segment): Promise<boolean>;
    markCleared(feed: string, segment: Segment): Promise<void>;
    noteSingles(head: FeedHead, isAllGrouped: boolean): Promise<void>;
  };
  readonly pages: {
    readLastPage(feed: string, segment: Segment): Promise<LastPage | undefined>;
    listPages(feed: string, segment: Segment): Promise<(PageFacts & Expiring)[]>;
    deletePages(feed: string, segment: Segment): Promise<number>;
    changeExpiry(
      feed: string,
      segment: Segment,
      first: Sequence,
      expiresAtEpochSeconds: number,
    ): Promise<void>;
    readAppendTime(feed: string, segment: Segment, sequence: Sequence): Promise<number | undefined>;
  };
  readonly references: {
    counts(feed: string): Promise<ReferenceCounts>;
    deleteSegment(feed: string, segment: Segment): Promise<void>;
  };
  readonly cursors: WakeParts["cursors"] & {
    listCursors(feed: string): Promise<Cursor[]>;
    readCursor(feed: string, sessionId: string): Promise<Cursor | undefined>;
  };
  readonly groups: {
    listGroups(feed: string): Promise<GroupListing>;
    write(read: CursorGroup, change: GroupChange): Promise<GroupWritten>;
    writeError(feed: string, session: string, failure: DeliveryFailure): Promise<void>;
  };
  readonly sessions: {
    readSession(sessionId: string): Promise<Session | undefined>;
    /** Moves the row of a single session into a group, in one transaction. */
    join(
      joining: Joining,
      session: WebhookSession,
      alongside: {
        readonly packed: Cursor;
        readonly interest: { readonly names: readonly string[] | undefined };
      },
    ): Promise<CursorGroup>;
  };
  newGroupId(): string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "record">;
  readonly settings: Pick<
    Settings,
    | "freeGraceMillis"
    | "freeing"
    | "pageTtlMillis"
    | "lastPageTtlMillis"
    | "retentionMillis"
    | "retentionMessages"
    | "hintGraceMillis"
    | "cursorGroups"
  >;
}
