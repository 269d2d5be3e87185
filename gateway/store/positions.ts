import { LRUCache } from "lru-cache";
import { RelayError } from "../../shared/errors.ts";
import { readTail, type TailSource } from "../../shared/queue/tail.ts";
import { type Cursor, hold, isHoldable } from "../../shared/sessions/cursor.ts";
import type { AmiSession } from "../../shared/sessions/session.ts";
import { unlessChanged } from "../../shared/sessions/unlessChanged.ts";
import { FeedMissingError, type OpenPosition, PositionInUseError, type Positions } from "../positions.ts";
import type { AmiUser } from "../users.ts";
import { DurablePosition, type DurablePositionParts } from "./durablePosition.ts";
import { TailPosition } from "./tailPosition.ts";

export interface PositionParts extends DurablePositionParts {
  readonly users: { read(sessionId: string): Promise<AmiSession | undefined> };
  readonly tails: TailSource;
}

/** Attempts to take a row that changes between its read and the write. */
const MOST_ATTEMPTS = 10;

/** The connections of one user share a read of it for so long. */
const READ_SHARED_MILLIS = 5_000;
const KNOWN_USERS = 10_000;

/** Positions in the relay's tables. */
export class RelayPositions implements Positions {
  readonly #parts: PositionParts;
  readonly #reads = new LRUCache<string, SharedRead>({ max: KNOWN_USERS });

  constructor(parts: PositionParts) {
    this.#parts = parts;
  }

  open(user: AmiUser, signal: AbortSignal): Promise<OpenPosition> {
    return user.resume ? this.#hold(user, signal) : this.#atTail(user);
  }

  async #hold(user: AmiUser, signal: AbortSignal): Promise<OpenPosition> {
    const position = new DurablePosition(this.#parts, await this.#take(user, signal));
    try {
      // A change of the user between the login and the take was no change of this holder's row.
      await this.#requireVersion(user);
      // The client may have gone in the meantime. It was sent nothing.
      signal.throwIfAborted();
      return position;
    } catch (error) {
      await position.close();
      throw error;
    }
  }

  async #take({ feed, session, multipleLogin }: AmiUser, signal: AbortSignal): Promise<Cursor> {
    const { cursors, clock, settings } = this.#parts;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      signal.throwIfAborted();
      const row = await cursors.readCursor(feed, session);
      if (row === undefined || row.state === "paused" || row.state === "suspended")
        throw notAvailable(session, row?.state);
      const nowEpochMillis = clock.nowEpochMillis();
      if (!isHoldable(row, nowEpochMillis, multipleLogin === "take-over"))
        throw new PositionInUseError({ feed, session });
      const { leaseMillis } = settings;
      const taken = await unlessChanged(cursors.write(row, hold(row, { leaseMillis, nowEpochMillis })));
      if (taken !== undefined) return taken;
    }
    throw new RelayError("position.busy", `the position of session ${session} changes too fast`, {
      retryable: true,
      facts: { feed, session },
    });
  }

  async #atTail(user: AmiUser): Promise<OpenPosition> {
    const { tails, clock } = this.#parts;
    const { feed, session } = user;
    const [current, tail] = await Promise.all([
      this.#requireVersion(user),
      readTail(tails, feed, () => clock.nowEpochMillis()),
    ]);
    if (tail === undefined) throw new FeedMissingError({ feed, session });
    const readUser = (id: string) => this.#readShared(id);
    return new TailPosition({ ...this.#parts, readUser }, current, tail.next);
  }

  /** @throws RelayError when the user was changed, paused or deleted since the login found it */
  async #requireVersion({ session, version }: AmiUser): Promise<AmiSession> {
    const current = await this.#parts.users.read(session);
    if (current === undefined || current.isPaused || current.version !== (version ?? current.version))
      throw notAvailable(session, current ? "changed" : undefined);
    return current;
  }

  /** For looks that may be a few seconds late. */
  #readShared(session: string): Promise<AmiSession | undefined> {
    const now = this.#parts.clock.nowEpochMillis();
    const shared = this.#reads.get(session);
    if (shared !== undefined && shared.untilEpochMillis > now) return shared.user;
    const user = this.#parts.users.read(session);
    this.#reads.set(session, { user, untilEpochMillis: now + READ_SHARED_MILLIS });
    user.catch(() => this.#reads.delete(session));
    return user;
  }
}

function notAvailable(session: string, state = "none"): RelayError {
  return new RelayError("position.not-available", `session ${session} cannot log in now`, {
    facts: { session, state },
  });
}

interface SharedRead {
  readonly user: Promise<AmiSession | undefined>;
  readonly untilEpochMillis: number;
}
