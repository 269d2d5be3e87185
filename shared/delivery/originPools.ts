import { type buildConnector, Pool } from "undici";
import { createSlots, type Slots } from "./slots.ts";

/** Connections to one origin at a time; more requests than that wait. */
export const MAX_CONNECTIONS_PER_ORIGIN = 32;
/** Origins whose connections are kept; beyond that the one idle for longest is closed. */
export const MAX_ORIGINS = 256;
/** An unused connection is closed after this, or when the endpoint's own Keep-Alive hint says so. */
const KEEP_ALIVE_MILLIS = 10_000;
const KEEP_ALIVE_MAX_MILLIS = 60_000;
/** Bytes of an answer's header section; Node's own default, stated so that no flag changes it. */
const MAX_RESPONSE_HEADER_BYTES = 16_384;

/** The connections to one origin, and the slots by which they are shared. */
export interface Origin {
  readonly pool: Pool;
  /**
   * To be held for the whole exchange. undici has a queue of its own, but a request whose time has run out
   * cannot leave that one, and would still cost a connection attempt.
   */
  readonly slots: Slots;
}

export interface OriginPools {
  of(origin: string): Origin;
  /** Resolves when all exchanges under way have ended and their connections are closed. */
  close(): Promise<void>;
}

export function createOriginPools(
  connect: buildConnector.connector,
  limits: { readonly origins: number; readonly connectionsPerOrigin: number } = {
    origins: MAX_ORIGINS,
    connectionsPerOrigin: MAX_CONNECTIONS_PER_ORIGIN,
  },
): OriginPools {
  // A Map keeps insertion order, and `of` re-inserts: the first entry is the one not used for longest.
  const origins = new Map<string, Origin>();
  const closing = new Set<Promise<void>>();

  const closePool = (pool: Pool) => {
    const closed = pool.close().finally(() => closing.delete(closed));
    closing.add(closed);
  };

  /** Busy origins stay, even beyond the limit: there are never more of them than requests under way. */
  const closeIdleOrigins = () => {
    for (const [name, { pool, slots }] of origins) {
      if (origins.size < limits.origins) return;
      if (!slots.isIdle) continue;
      origins.delete(name);
      closePool(pool);
    }
  };

  return {
    of(name) {
      const known = origins.get(name);
      if (known === undefined) closeIdleOrigins();
      const origin = known ?? {
        pool: new Pool(name, {
          connect,
          connections: limits.connectionsPerOrigin,
          pipelining: 1,
          keepAliveTimeout: KEEP_ALIVE_MILLIS,
          keepAliveMaxTimeout: KEEP_ALIVE_MAX_MILLIS,
          maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
          // The client has one deadline of its own for all of it; undici's timers tick once a second.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
        slots: createSlots(limits.connectionsPerOrigin),
      };
      origins.delete(name);
      origins.set(name, origin);
      return origin;
    },
    async close() {
      for (const { pool } of origins.values()) closePool(pool);
      origins.clear();
      await Promise.all(closing);
    },
  };
}
