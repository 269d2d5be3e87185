/** What the table shows of one feed. */
export interface FeedRow {
  readonly feed: string;
  /** The last sequence number. */
  readonly tail: number;
  readonly appendedPerSecond: number;
  readonly deliveredPerSecond: number;
  /** Events refused since the start. */
  readonly refused: number;
  readonly sessions: number;
}

/** What the table shows of one session. */
export interface SessionRow {
  readonly name: string;
  readonly feed: string;
  /** `away`: an AMI user with a position and without a connection. */
  readonly state: "active" | "backoff" | "paused" | "suspended" | "away";
  /** null: has no position. */
  readonly lagMessages: number | null;
  readonly deliveredPerSecond: number | null;
  /** Why it does not receive. */
  readonly why: string | undefined;
  /** When its endpoint is tried again, as a time of day. */
  readonly nextTry: string | undefined;
}

/** A relay at one moment. */
export interface Picture {
  /** The busiest first. */
  readonly feeds: readonly FeedRow[];
  /** The worst first. */
  readonly sessions: readonly SessionRow[];
  /** There are more feeds or sessions than were read. */
  readonly hasMoreFeeds: boolean;
  readonly hasMoreSessions: boolean;
}

const BADNESS: Readonly<Record<SessionRow["state"], number>> = {
  suspended: 4,
  backoff: 3,
  active: 2,
  away: 1,
  paused: 0,
};

/** Those that need a person first, then those that lag most. Similar lags keep their order, so rows rarely move. */
export function worstFirst(sessions: readonly SessionRow[]): SessionRow[] {
  const badness = ({ state, why }: SessionRow) => BADNESS[why === undefined ? state : worse(state)];
  const lag = ({ lagMessages }: SessionRow) => Math.floor(Math.log10(1 + (lagMessages ?? 0)));
  return sessions.toSorted(
    (a, b) => badness(b) - badness(a) || lag(b) - lag(a) || (a.name < b.name ? -1 : 1),
  );
}

/** An endpoint that failed and is being tried again is as bad as one that waits for its next try. */
function worse(state: SessionRow["state"]): SessionRow["state"] {
  return state === "active" ? "backoff" : state;
}

export function busiestFirst(feeds: readonly FeedRow[]): FeedRow[] {
  const rate = ({ appendedPerSecond, deliveredPerSecond }: FeedRow) =>
    Math.ceil(Math.log10(1 + appendedPerSecond + deliveredPerSecond));
  return feeds.toSorted((a, b) => rate(b) - rate(a) || (a.feed < b.feed ? -1 : 1));
}
