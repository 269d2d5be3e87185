import type { RelayClient, Session } from "../../client/index.ts";
import type { Activity } from "../activity.ts";
import { timeOfDay, whyOf } from "../trouble.ts";
import { busiestFirst, type FeedRow, type Picture, type SessionRow, worstFirst } from "./picture.ts";
import { shown } from "./text.ts";

/** However many there are, a look takes so many reads. */
const MOST_FEEDS = 200;
const MOST_SESSIONS = 1_000;

export interface LookoutOptions {
  readonly client: Pick<RelayClient, "listFeeds" | "listSessions">;
  readonly activity: Activity;
  /** What sessions are called, by id; the others by their id or username. */
  readonly names: ReadonlyMap<string, string>;
  nowEpochMillis(): number;
}

/** Looks at a relay from time to time, and knows from the look before how fast things move. */
export class Lookout {
  readonly #options: LookoutOptions;
  readonly #refused = new Map<string, number>();
  /** The first number that a session or a feed has not passed, at the look before. */
  #sessionsBefore = new Map<string, number>();
  #feedsBefore = new Map<string, number>();
  #lookedAtEpochMillis: number | undefined;

  constructor(options: LookoutOptions) {
    this.#options = options;
  }

  /** @throws RelayCallError when the relay cannot answer */
  async look(): Promise<Picture> {
    const { client, activity, nowEpochMillis } = this.#options;
    const now = nowEpochMillis();
    const seconds = this.#lookedAtEpochMillis === undefined ? 0 : (now - this.#lookedAtEpochMillis) / 1000;
    const [feeds, sessions] = await Promise.all([
      upTo(MOST_FEEDS, client.listFeeds()),
      upTo(MOST_SESSIONS, client.listSessions()),
    ]);
    const counts = activity.takeCounts();
    for (const [feed, values] of counts)
      this.#refused.set(feed, (this.#refused.get(feed) ?? 0) + (values.get("RefusedEvents") ?? 0));
    this.#lookedAtEpochMillis = now;

    const feedRows = feeds.items.map(
      ({ feed, tail, sessions: following }): FeedRow => ({
        feed,
        tail,
        appendedPerSecond: perSecond(tail, this.#feedsBefore.get(feed) ?? (seconds > 0 ? 0 : tail), seconds),
        deliveredPerSecond: perSecond(counts.get(feed)?.get("DeliveredMessages") ?? 0, 0, seconds),
        refused: this.#refused.get(feed) ?? 0,
        sessions: following,
      }),
    );
    const sessionRows = sessions.items.map((session) => this.#sessionRow(session, seconds));
    this.#feedsBefore = new Map(feeds.items.map(({ feed, tail }) => [feed, tail]));
    this.#sessionsBefore = new Map(sessions.items.map(({ id, next }) => [id, next ?? 0]));
    return {
      feeds: busiestFirst(feedRows),
      sessions: worstFirst(sessionRows),
      hasMoreFeeds: feeds.hasMore,
      hasMoreSessions: sessions.hasMore,
    };
  }

  #sessionRow(session: Session, seconds: number): SessionRow {
    const { id, feed, kind, next, lagMessages, cursor } = session;
    const isAway =
      kind === "ami" && session.state === "active" && session.resume && session.connectedSince === null;
    const why = whyOf(session);
    return {
      name: this.#options.names.get(id) ?? (kind === "ami" ? shown(session.username) : id),
      feed,
      state: isAway ? "away" : session.state,
      lagMessages,
      deliveredPerSecond:
        next === null ? null : perSecond(next, this.#sessionsBefore.get(id) ?? next, seconds),
      why: why === undefined ? undefined : shown(why),
      nextTry: session.state === "backoff" && cursor?.dueAt ? timeOfDay(cursor.dueAt) : undefined,
    };
  }
}

/** Nobody delivers backwards: a session that was moved back shows no rate. */
function perSecond(now: number, before: number, seconds: number): number {
  return seconds <= 0 ? 0 : Math.max(0, now - before) / seconds;
}

async function upTo<Item>(most: number, source: AsyncIterable<Item>) {
  const items: Item[] = [];
  for await (const item of source) {
    if (items.length === most) return { items, hasMore: true };
    items.push(item);
  }
  return { items, hasMore: false };
}
