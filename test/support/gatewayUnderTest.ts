import {
  type GatewayOptions,
  type GatewayPorts,
  type RunningGateway,
  startGateway,
} from "../../gateway/gateway.ts";
import type { OpenPosition, Positions } from "../../gateway/positions.ts";
import { PositionInUseError } from "../../gateway/positions.ts";
import type { GatewayLimits } from "../../gateway/settings.ts";
import type { AmiUser } from "../../gateway/users.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { CursorGap } from "../../shared/sessions/cursor.ts";
import { MemoryFeeds } from "./memoryFeed.ts";

export const FEED = "pbx-1";

/** A user that reads everything, unless the test says otherwise. */
export function amiUser(change: Partial<AmiUser> = {}): AmiUser {
  const username = change.username ?? "ami";
  return {
    session: `session-${username}`,
    feed: FEED,
    username,
    secret: `${username}pass`,
    read: "all",
    eventFilters: [],
    resume: false,
    multipleLogin: "take-over",
    sequenceHeader: false,
    ...change,
  };
}

/** Where users stand, in memory: durable as long as the test runs. */
export class MemoryPositions implements Positions {
  readonly #feeds: Pick<MemoryFeeds, "next">;
  readonly next = new Map<string, number>();
  readonly #holders = new Map<string, AbortController>();
  /** Gaps that the client was not told yet. */
  readonly gaps = new Map<string, CursorGap>();
  /** Gaps that the next `advance` tells, as after an eviction by the sweep. */
  readonly evictions = new Map<string, CursorGap>();
  /** Whether the client of each closed position surely received everything. */
  readonly closed: (boolean | undefined)[] = [];

  constructor(feeds: Pick<MemoryFeeds, "next">) {
    this.#feeds = feeds;
  }

  async open(user: AmiUser): Promise<OpenPosition> {
    const { session, feed } = user;
    const holder = this.#holders.get(session);
    if (user.resume && holder !== undefined) {
      if (user.multipleLogin === "refuse") throw new PositionInUseError({ feed, session });
      holder.abort("taken-over");
    }
    const lost = new AbortController();
    if (user.resume) this.#holders.set(session, lost);
    const next = user.resume ? (this.next.get(session) ?? this.#feeds.next(feed)) : this.#feeds.next(feed);
    return {
      next,
      gap: this.gaps.get(session),
      lost: lost.signal,
      advance: (reached) => {
        if (user.resume && this.#holders.get(session) === lost) this.next.set(session, reached);
        const evicted = this.evictions.get(session);
        this.evictions.delete(session);
        return evicted;
      },
      close: async (isReceived) => {
        this.closed.push(isReceived);
        if (this.#holders.get(session) === lost) this.#holders.delete(session);
      },
    };
  }

  /** Takes the position from the connection that holds it. */
  lose(session: string, reason: string): void {
    this.#holders.get(session)?.abort(reason);
  }
}

export interface GatewayUnderTest extends AsyncDisposable {
  readonly feeds: MemoryFeeds;
  readonly positions: MemoryPositions;
  readonly users: Map<string, AmiUser>;
  readonly gateway: RunningGateway;
  readonly port: number;
  readonly httpPort: number;
  readonly logged: { level: string; message: string; facts: Record<string, unknown> | undefined }[];
}

/** A gateway on free ports over feeds in memory. */
export async function startTestGateway(
  options: {
    users?: readonly AmiUser[];
    limits?: Partial<GatewayLimits>;
    feeds?: MemoryFeeds;
    listen?: Partial<GatewayPorts>;
    retention?: GatewayOptions["queue"]["retention"];
    readSendQueues?: GatewayOptions["readSendQueues"];
    clock?: GatewayOptions["queue"]["clock"];
  } = {},
): Promise<GatewayUnderTest> {
  const feeds = options.feeds ?? new MemoryFeeds();
  if ((await feeds.readHead(FEED)) === undefined) feeds.create(FEED);
  const positions = new MemoryPositions(feeds);
  const users = new Map((options.users ?? [amiUser()]).map((user) => [user.username, user]));
  const logged: GatewayUnderTest["logged"] = [];
  const at =
    (level: string): Log["info"] =>
    (message, facts) =>
      void logged.push({ level, message, facts });
  const gateway = await startGateway({
    users: { find: async (username) => users.get(username) },
    positions,
    queue: {
      pages: feeds.reader(),
      tails: feeds,
      clock: options.clock ?? systemClock,
      retention: options.retention ?? { millis: 7 * 86_400_000, messages: 50_000_000 },
    },
    log: { info: at("info"), warn: at("warn"), error: at("error") },
    limits: { failureDelayMillis: 20, loginHoldMillis: 20, ...options.limits },
    listen: { host: "127.0.0.1", port: 0, httpPort: 0, ...options.listen },
    ...(options.readSendQueues && { readSendQueues: options.readSendQueues }),
  });
  return {
    feeds,
    positions,
    users,
    gateway,
    port: gateway.ports.port ?? 0,
    httpPort: gateway.ports.httpPort ?? 0,
    logged,
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}
