import type { AppendStore } from "../../functions/ingest/append.ts";
import { FenceLostError, TransactionRefusedError } from "../../shared/errors.ts";
import type { NotifyHint, SessionWake } from "../../shared/queue/hints.ts";
import { lastOf, type StoredPage } from "../../shared/queue/page.ts";
import type { Expiring } from "../../shared/queue/pageExpiry.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import type { ProducerArchive } from "../../shared/queue/producerArchive.ts";
import { segmentOf } from "../../shared/queue/sequence.ts";
import type { FeedHead, TailSource } from "../../shared/queue/tail.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { type Cursor, type CursorChange, newCursor, rowToFind } from "../../shared/sessions/cursor.ts";
import type { Session } from "../../shared/sessions/session.ts";
import { isAsRead } from "./asRead.ts";
import { eventsOf } from "./feedRows.ts";
import { type FeedRows, keptMillisOf, type Witnessed } from "./witnessed.ts";

/** Waits until the test lets the operation through. */
export type Gate = (operation: string) => Promise<void>;

export const FEED = "pbx";

/**
 * The tables and queues of one feed in memory, with the write conditions of shared/aws. Each operation waits at its actor's
 * gate and is then atomic.
 */
export class MemoryRelay {
  readonly pages = new Map<number, StoredPage & Expiring>();
  readonly archives = new Map<string, ProducerArchive>();
  readonly cursors = new Map<string, Cursor>();
  /** Each row before its last change, for stale reads. */
  readonly staleCursors = new Map<string, Cursor>();
  readonly counts = new Map<number, number>();
  readonly notifies: NotifyHint[] = [];
  readonly wakes: { hint: SessionWake; dueAtEpochMillis: number }[] = [];
  /** Every assigned number, in order of the puts. None may occur twice. */
  readonly appended: number[] = [];
  readonly #events = new Map<StoredPage, readonly string[]>();
  /** The cursors' moves. */
  readonly moves: NonNullable<Witnessed["moves"]>[number][] = [];
  head: FeedHead;
  nowEpochMillis = 1_000_000;

  constructor(segmentSize: number) {
    this.head = { feed: FEED, segmentSize, headSegment: 0, tailHint: 0, clearedSegment: 0 };
  }

  readonly clock: Clock = {
    nowEpochMillis: () => this.nowEpochMillis,
    sleep: async (millis) => {
      this.nowEpochMillis += millis;
    },
  };

  addSession(sessionId: string): void {
    const cursor = newCursor({
      feed: FEED,
      session: sessionId,
      next: 1,
      segmentSize: this.head.segmentSize,
      interest: undefined,
      nowEpochMillis: this.nowEpochMillis,
    });
    this.cursors.set(sessionId, cursor);
    this.#count(cursor.segment, 1);
  }

  /** The rows that the invariants judge. */
  rows(): FeedRows {
    const pages = [...this.pages.values()]
      .sort((a, b) => a.first - b.first)
      .map((page) => ({
        first: page.first,
        segment: segmentOf(page.first, this.head.segmentSize),
        events: this.#eventsOf(page),
        keptMillis: keptMillisOf(page),
      }));
    return { head: this.head, pages, cursors: [...this.cursors.values()], counts: this.counts };
  }

  /** Cached: pages are immutable, and there are many schedules. */
  #eventsOf(page: StoredPage): readonly string[] {
    const events = this.#events.get(page) ?? eventsOf(FEED, page);
    this.#events.set(page, events);
    return events;
  }

  tail(): number {
    return Math.max(0, ...[...this.pages.values()].map(lastOf));
  }

  #count(segment: number, change: number): void {
    const count = (this.counts.get(segment) ?? 0) + change;
    if (count === 0) this.counts.delete(segment);
    else this.counts.set(segment, count);
  }

  #pagesOf(segment: number): (StoredPage & Expiring)[] {
    return [...this.pages.values()]
      .filter(({ first }) => segmentOf(first, this.head.segmentSize) === segment)
      .sort((a, b) => a.first - b.first);
  }

  tailSource(gate: Gate): TailSource {
    return {
      readHead: async () => this.head,
      readLastPage: async (_feed, segment) => {
        await gate("reads the tail");
        return this.#pagesOf(segment).at(-1);
      },
    };
  }

  appendStore(gate: Gate): AppendStore {
    return {
      ...this.tailSource(gate),
      createFeed: async () => {},
      readPageAt: async (_feed, _segment, first) => this.pages.get(first),
      readPageBefore: async (_feed, segment, sequence) =>
        this.#pagesOf(segment).findLast(({ first }) => first <= sequence),
      readArchives: async () => {
        await gate("reads the archives");
        return [...this.archives.values()];
      },
      putArchive: async (_feed, archive) => {
        await gate(`archives for ${archive.key}`);
        if ((this.archives.get(archive.key)?.version ?? 0) !== archive.version - 1) return false;
        this.archives.set(archive.key, archive);
        return true;
      },
      putPage: async (_feed, _segment, page, { expiresAtEpochSeconds }) => {
        await gate(`puts page ${page.first}`);
        const winner = this.pages.get(page.first);
        if (winner) return { written: false, winner };
        this.pages.set(page.first, { ...page, expiresAtEpochSeconds });
        for (let number = page.first; number <= lastOf(page); number += 1) this.appended.push(number);
        return { written: true };
      },
    };
  }

  sendNotify(gate: Gate): (hint: NotifyHint) => Promise<void> {
    return async (hint) => {
      await gate("sends the notify");
      this.notifies.push(hint);
    };
  }

  /** Has no cache, so that each process reads every page itself. */
  pageReader(gate: Gate): Pick<PageReader, "read"> {
    const source = {
      readPagesFrom: async (_feed: string, segment: number, sequence: number) => {
        await gate(`reads pages from ${sequence}`);
        return this.#pagesOf(segment).filter(({ first }) => first >= sequence);
      },
      readPageBefore: async (_feed: string, segment: number, sequence: number) =>
        this.#pagesOf(segment).findLast(({ first }) => first <= sequence),
    };
    return new PageReader(source, 0);
  }

  cursorStore(gate: Gate) {
    return {
      readCursor: async (_feed: string, sessionId: string) => {
        await gate("reads the cursor");
        return this.cursors.get(sessionId);
      },
      listCursors: async () => {
        await gate("reads the cursors");
        return [...this.cursors.values()];
      },
      write: async (cursor: Cursor, change: CursorChange) => {
        await gate(`writes ${change.state ?? "progress"}`);
        return this.writeCursor(cursor, change);
      },
    };
  }

  /** One conditional write. A change of segment also moves the reference. */
  writeCursor(cursor: Cursor, change: CursorChange, mayWrite = isWritable): Cursor {
    const row = this.cursors.get(cursor.session);
    if (row === undefined || !mayWrite(row, cursor, change))
      throw new FenceLostError({ feed: FEED, session: cursor.session, fence: cursor.fence });
    const written = { ...row, ...change };
    if (written.segment !== row.segment) this.moveReference(row, written.segment);
    this.staleCursors.set(row.session, row);
    this.cursors.set(row.session, written);
    this.moves.push(written);
    return { ...cursor, ...change };
  }

  moveReference({ session, segment }: Cursor, to: number): void {
    if ((this.counts.get(segment) ?? 0) < 1)
      throw new TransactionRefusedError({ feed: FEED, session, cause: "reference-missing" });
    this.#count(segment, -1);
    this.#count(to, 1);
  }

  sessionStore() {
    return {
      readSession: async (sessionId: string): Promise<Session> => ({
        session: sessionId,
        feed: FEED,
        kind: "webhook",
        url: "https://example.com/",
        format: "stasis",
        maxBatch: 100,
        secrets: [],
        createdAtEpochMillis: 0,
      }),
      openSecrets: async (session: Session): Promise<Session> => session,
    };
  }

  wakeSender(gate: Gate) {
    const push = ({ feed, session }: Cursor, delayMillis = 0) =>
      this.wakes.push({ hint: { feed, session }, dueAtEpochMillis: this.nowEpochMillis + delayMillis });
    return {
      sendWake: async (cursor: Cursor, delayMillis?: number) => {
        await gate("sends a wake");
        push(cursor, delayMillis);
      },
      sendWakes: async (cursors: readonly Cursor[]) => {
        if (cursors.length > 0) await gate("sends wakes");
        for (const cursor of cursors) push(cursor);
        return [...cursors];
      },
    };
  }

  /** The sweep's other stores. */
  sweepStores(gate: Gate = openGate) {
    return {
      heads: {
        listHeads: async () => [this.head],
        moveTailHint: async (_feed: string, tailHint: number) => {
          this.head = { ...this.head, tailHint };
        },
        moveHead: async (_feed: string, segment: number) => {
          await gate("moves the head");
          if (this.head.headSegment !== segment || this.counts.has(segment)) return false;
          this.head = { ...this.head, headSegment: segment + 1 };
          return true;
        },
        markCleared: async (_feed: string, clearedSegment: number) => {
          this.head = { ...this.head, clearedSegment };
        },
        noteSingles: refuseGroups,
      },
      pages: {
        readLastPage: async (_feed: string, segment: number) => this.#pagesOf(segment).at(-1),
        listPages: async (_feed: string, segment: number) => this.#pagesOf(segment),
        deletePages: async (_feed: string, segment: number) => {
          await gate("deletes pages");
          const pages = this.#pagesOf(segment);
          for (const { first } of pages) this.pages.delete(first);
          return pages.length;
        },
        changeExpiry: async (
          _feed: string,
          _segment: number,
          first: number,
          expiresAtEpochSeconds: number,
        ) => {
          const page = this.pages.get(first);
          if (page) this.pages.set(first, { ...page, expiresAtEpochSeconds });
        },
        readAppendTime: async (_feed: string, segment: number, sequence: number) =>
          this.#pagesOf(segment).find((page) => page.first <= sequence && lastOf(page) >= sequence)
            ?.appendedAtEpochMillis,
      },
      references: {
        counts: async () => new Map(this.counts),
        deleteSegment: async () => {},
      },
      groups: noGroups.groups,
      groupWakes: noGroups.groupWakes,
      sessions: { readSession: async () => undefined, join: refuseGroups },
      newGroupId: () => "group",
    };
  }
}

function isWritable(row: Cursor, read: Cursor, change: CursorChange): boolean {
  return isAsRead(row, rowToFind(read, change));
}

async function refuseGroups(): Promise<never> {
  throw new Error("groups need real tables");
}

/** The ports of groups. There are none in memory. */
export const noGroups = {
  settings: { cursorGroups: false },
  groups: {
    listGroups: async () => ({ groups: [], unreadable: [] }),
    write: refuseGroups,
    writeError: refuseGroups,
  },
  groupWakes: { sendWakes: async () => [], sendWake: refuseGroups },
};

export const openGate: Gate = async () => {};
