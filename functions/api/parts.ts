import type { AccessKey } from "../../shared/access/accessKey.ts";
import type { NewKeyText } from "../../shared/access/keyText.ts";
import type { ListedKey } from "../../shared/aws/accessKeys.ts";
import type { ReferenceCounts } from "../../shared/aws/references.ts";
import type { CursorGroup, GroupChange } from "../../shared/groups/group.ts";
import type { Joining } from "../../shared/groups/membership.ts";
import type { GroupListing, UnreadableGroup } from "../../shared/groups/unreadable.ts";
import type { GroupWake } from "../../shared/queue/hints.ts";
import type { PageReader } from "../../shared/queue/pageReader.ts";
import type { ProducerArchive } from "../../shared/queue/producerArchive.ts";
import type { Segment, Sequence } from "../../shared/queue/sequence.ts";
import type { FeedHead, TailSource } from "../../shared/queue/tail.ts";
import type { PageFactsSource } from "../../shared/queue/timeSearch.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import type { Attempt } from "../../shared/sessions/attempt.ts";
import type { Cursor, CursorChange, DeliveryFailure } from "../../shared/sessions/cursor.ts";
import type { AmiSession, Session, SessionKind, WebhookSession } from "../../shared/sessions/session.ts";
import type { AddressGuard } from "../../shared/webhook/addressGuard.ts";
import type { InTurn } from "./inTurn.ts";

/** The ports and settings of the API. */
export interface ApiParts {
  readonly tails: TailSource;
  readonly heads: {
    createFeed(feed: string, segmentSize: number): Promise<void>;
    setWrapUnmapped(feed: string, wrapUnmapped: boolean): Promise<void>;
    listSomeHeads(limit: number, after?: string): Promise<{ heads: FeedHead[]; last?: string }>;
  };
  readonly pages: Pick<PageReader, "read">;
  readonly pageTimes: PageFactsSource & {
    /** When the page that holds a number was appended. */
    readAppendTime(feed: string, segment: Segment, sequence: Sequence): Promise<number | undefined>;
  };
  readonly archives: { readArchives(feed: string): Promise<ProducerArchive[]> };
  readonly references: { counts(feed: string): Promise<ReferenceCounts> };
  readonly cursors: {
    readCursor(feed: string, sessionId: string): Promise<Cursor | undefined>;
    readCursors(rows: readonly { feed: string; session: string }[]): Promise<Cursor[]>;
  };
  readonly groups: {
    readGroup(feed: string, group: string): Promise<CursorGroup | undefined>;
    readGroups(
      groups: readonly { feed: string; group: string }[],
    ): Promise<{ groups: CursorGroup[]; unreadable: UnreadableGroup[] }>;
    listGroups(feed: string): Promise<GroupListing>;
    /** A bounded number of a feed's groups, from a random id on. */
    listSomeGroups(feed: string, from: string): Promise<GroupListing>;
    readErrors(
      sessions: readonly { feed: string; session: string }[],
    ): Promise<ReadonlyMap<string, DeliveryFailure>>;
  };
  readonly sessions: {
    readSession(sessionId: string): Promise<Session | undefined>;
    readSessions(sessionIds: readonly string[]): Promise<Session[]>;
    listSessions(limit: number, after?: string): Promise<{ sessions: Session[]; last?: string }>;
    /** Writes session and cursor in one transaction, as the other writes do. AMI users without `resume` have no cursor. */
    create(cursor: Cursor | undefined, session: Session): Promise<void>;
    change(
      cursor: Cursor,
      change: CursorChange,
      session: Session,
      condition: { readonly mustBeHeld?: Segment | undefined },
    ): Promise<Cursor>;
    replace(session: AmiSession): Promise<void>;
    addCursor(cursor: Cursor, session: AmiSession): Promise<void>;
    removeCursor(cursor: Cursor, session: AmiSession): Promise<void>;
    remove(cursor: Cursor | undefined, session: Session): Promise<void>;
    /** The same for a session whose cursor is in a group. All return the group's new row. */
    join(joining: Joining, session: WebhookSession, alongside: GroupAlongside): Promise<CursorGroup>;
    changeInGroup(
      read: CursorGroup,
      change: GroupChange,
      session: WebhookSession,
      alongside: GroupAlongside,
    ): Promise<CursorGroup>;
    leave(read: CursorGroup, session: WebhookSession, interest: GroupAlongside["interest"]): Promise<void>;
  };
  readonly keys: {
    createKey(key: AccessKey): Promise<void>;
    listKeys(limit: number, after?: string): Promise<{ keys: ListedKey[]; last?: string }>;
    removeKey(id: string): Promise<boolean>;
  };
  /** What the endpoints of webhooks answered, newest first. */
  readonly attempts: { listAttempts(sessionId: string, limit: number): Promise<Attempt[]> };
  readonly wakes: {
    sendWake(target: Cursor | GroupWake): Promise<void>;
    sendTest(
      session: Pick<Cursor, "feed" | "session">,
      test: { readonly id: string; readonly requestedAtEpochMillis: number },
    ): Promise<void>;
  };
  readonly guard: AddressGuard;
  readonly clock: Clock;
  /** From 0 to below 1. */
  random(): number;
  newSessionId(): string;
  newGroupId(): string;
  /** By feed. */
  readonly groupChanges: Pick<InTurn, "run">;
  newTestId(): string;
  newKeyText(): NewKeyText;
  /** @param bytes instead of random ones */
  newSecret(kind: SessionKind, bytes?: (size: number) => Buffer): string;
  newSalt(): string;
  /** Encrypts a session's secret for the table. */
  sealSecret(sessionId: string, secret: string, kind: SessionKind): Promise<string>;
  readonly log: Log;
  /** Aborts when the process must stop: nobody is kept waiting any more. */
  readonly stopping: AbortSignal;
  readonly settings: Pick<Settings, "segmentSize" | "allowHttp" | "secretOverlapMillis" | "cursorGroups">;
}

/** What a change of a group writes in the same transaction. */
export interface GroupAlongside {
  /** What the group's sessions want from now on; `names` is undefined when one of them wants everything. */
  readonly interest?: { readonly names: readonly string[] | undefined } | undefined;
  readonly mustBeHeld?: Segment | undefined;
}
