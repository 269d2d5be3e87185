import type { Clock } from "../../shared/runtime/clock.ts";
import { Tally } from "../server/tally.ts";
import type { GatewayLimits } from "../settings.ts";
import type { WebSession } from "./webSession.ts";

interface Kept {
  readonly session: WebSession;
  /** Set while the session has not logged in. */
  leaveWaiting: (() => void) | undefined;
}

/**
 * The sessions that are kept between two requests, by cookie or nonce. Those that have not logged in are bounded by
 * address too, so that one address cannot take all places.
 */
export class WebSessions {
  readonly #clock: Pick<Clock, "nowEpochMillis">;
  readonly #limits: Pick<GatewayLimits, "connections" | "authLimit" | "authLimitPerAddress">;
  readonly #kept = new Map<string, Kept>();
  readonly #waiting = new Tally();

  constructor(
    clock: Pick<Clock, "nowEpochMillis">,
    limits: Pick<GatewayLimits, "connections" | "authLimit" | "authLimitPerAddress">,
  ) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Undefined when there is none, or it has expired. */
  find(id: string): WebSession | undefined {
    const session = this.#kept.get(id)?.session;
    return session?.isExpired(this.#clock.nowEpochMillis()) ? undefined : session;
  }

  /** Keeps a session until its next request. When there is no room, it ends with its answer. */
  keep(id: string, session: WebSession): void {
    const kept = this.#kept.get(id);
    if (kept?.session === session) {
      if (session.isLoggedIn) stopWaiting(kept);
      return;
    }
    if (kept?.session.isExpired(this.#clock.nowEpochMillis())) this.#end(id, kept.session);
    // Another request of the client was faster.
    if (this.#kept.has(id) || !this.#hasRoomFor(session)) void session.end();
    else this.#add(id, session);
  }

  /** The session goes on under another id. */
  rename(id: string, next: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    this.#kept.set(next, kept);
  }

  drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    stopWaiting(kept);
    this.#kept.delete(id);
  }

  endExpired(): void {
    const now = this.#clock.nowEpochMillis();
    for (const [id, { session }] of this.#kept) if (session.isExpired(now)) this.#end(id, session);
  }

  async endAll(): Promise<void> {
    const all = [...this.#kept];
    for (const [id] of all) this.drop(id);
    await Promise.all(all.map(([, { session }]) => session.end()));
  }

  #end(id: string, session: WebSession): void {
    this.drop(id);
    void session.end();
  }

  #hasRoomFor({ isLoggedIn, address }: WebSession): boolean {
    const { connections, authLimit, authLimitPerAddress } = this.#limits;
    if (this.#kept.size >= connections) return false;
    if (isLoggedIn) return true;
    return this.#waiting.total < authLimit && this.#waiting.of(address) < authLimitPerAddress;
  }

  #add(id: string, session: WebSession): void {
    const leaveWaiting = session.isLoggedIn ? undefined : this.#waiting.enter(session.address);
    this.#kept.set(id, { session, leaveWaiting });
  }
}

function stopWaiting(kept: Kept): void {
  kept.leaveWaiting?.();
  kept.leaveWaiting = undefined;
}
