import { TransactionRefusedError } from "../errors.ts";
import type { Sequence } from "../queue/sequence.ts";
import { advance, type CursorGroup, type GroupChange, isTakeable, park, take } from "./group.ts";
import type { GroupCursor } from "./groupCursor.ts";
import { mergeRefused } from "./mergeRefused.ts";

export interface GroupPort {
  /** Strongly consistent. */
  readGroup(feed: string, group: string): Promise<CursorGroup | undefined>;
  /** A refused write returns the row as it is; undefined when the row is gone. */
  write(read: CursorGroup, change: GroupChange): Promise<Written>;
}

type Written =
  | { readonly isWritten: true; readonly row: CursorGroup }
  | { readonly isWritten: false; readonly row: CursorGroup | undefined };

interface Hold {
  readonly tail: Sequence;
  readonly leaseMillis: number;
  readonly nowEpochMillis: number;
}

/**
 * Writes a change together with any crossing into another segment. If another transaction conflicts, the group stays counted
 * in its old segment. That only keeps data longer, and a later write or the sweep crosses.
 */
export async function writeCrossing(
  groups: GroupPort,
  read: CursorGroup,
  change: GroupChange,
): Promise<Written> {
  try {
    return await groups.write(read, change);
  } catch (error) {
    if (!(error instanceof TransactionRefusedError)) throw error;
    if (change.segment === undefined || change.segment === read.segment) throw error;
    return groups.write(read, { ...change, segment: read.segment });
  }
}

/**
 * The group of one turn: the row as last read or written, and the same with the turn's unwritten progress. What others have
 * changed meanwhile, a refused write or a look brings.
 */
export class HeldGroup {
  readonly #groups: GroupPort;
  /** A random token, by which the turn knows its own writes when their answers are lost. */
  readonly #token: string;
  #base: CursorGroup;
  #mine: CursorGroup;
  #writing: Promise<void> | undefined;

  /** @param read the row as read; the turn does not hold it yet */
  constructor(groups: GroupPort, read: CursorGroup, token: string) {
    this.#groups = groups;
    this.#token = token;
    this.#base = read;
    this.#mine = read;
  }

  /** The row as last read or written. */
  get base(): CursorGroup {
    return this.#base;
  }

  /** The row with the turn's progress. */
  get mine(): CursorGroup {
    return this.#mine;
  }

  cursorOf(session: string): GroupCursor | undefined {
    return this.#mine.cursors[session];
  }

  change(session: string, change: (cursor: GroupCursor) => GroupCursor): void {
    const cursor = this.cursorOf(session);
    if (cursor === undefined) return;
    this.#mine = { ...this.#mine, cursors: { ...this.#mine.cursors, [session]: change(cursor) } };
  }

  /**
   * The write that is under way. It carries the progress of its beginning, so nothing may begin or change before it has
   * ended.
   */
  get writing(): Promise<void> | undefined {
    return this.#writing;
  }

  /** Takes the group. "again": another writer was faster, and the group may still be taken. */
  take(hold: Hold): Promise<"taken" | "again" | "lost"> {
    return this.#write(take(this.#base, this.#token, hold), ({ isWritten, row }) => {
      if (row === undefined) return "lost";
      this.#set(row);
      if (isWritten || this.#isHeldBySelf(row)) return "taken";
      return isTakeable(row, hold.nowEpochMillis) ? "again" : "lost";
    });
  }

  /** Writes the progress and plans up to the tail. "merged": another writer was faster, and its change is taken over. */
  advance(hold: Hold): Promise<"written" | "merged" | "lost"> {
    return this.#write(advance(this.#mine, hold), ({ isWritten, row }) => {
      if (!isWritten) return this.#merge(row);
      this.#set(row);
      return "written";
    });
  }

  /** @param underWay until when the request of each session may be under way */
  park(underWay: ReadonlyMap<string, number>, nowEpochMillis: number): Promise<"parked" | "merged" | "lost"> {
    return this.#write(park(this.#mine, underWay, nowEpochMillis), ({ isWritten, row }) => {
      // A group that rests under this turn's token was parked by this turn: the answer of the write was lost.
      const isParked = isWritten || (row?.holder === this.#token && row.state !== "active");
      if (row === undefined || !isParked) return this.#merge(row);
      this.#set(row);
      return "parked";
    });
  }

  /** Reads whether the row is as the turn knows it, and takes over what others have changed. */
  async look(): Promise<"same" | "merged" | "lost"> {
    const row = await this.#groups.readGroup(this.#base.feed, this.#base.group);
    return row?.version === this.#base.version ? "same" : this.#merge(row);
  }

  #merge(row: CursorGroup | undefined): "merged" | "lost" {
    if (row === undefined || !this.#isHeldBySelf(row)) return "lost";
    this.#mine = mergeRefused(this.#base, this.#mine, row);
    this.#base = row;
    return "merged";
  }

  #isHeldBySelf({ state, holder }: CursorGroup): boolean {
    return state === "active" && holder === this.#token;
  }

  #set(row: CursorGroup): void {
    this.#base = row;
    this.#mine = row;
  }

  async #write<T>(change: GroupChange, then: (written: Written) => T): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#writing = promise;
    try {
      return then(await writeCrossing(this.#groups, this.#base, change));
    } finally {
      this.#writing = undefined;
      resolve();
    }
  }
}
