import { InterimResponses } from "./interimResponses.ts";
import { createLender, type Lender } from "./lender.ts";
import { type buildConnector, Client } from "./undiciParts.mjs";

/** Concurrent connections to one origin. Further requests wait. */
const MAX_CONNECTIONS_PER_ORIGIN = 32;
/** Origins with open connections. Beyond this limit, the origin that has been idle longest is closed. */
const MAX_ORIGINS = 256;
/** An unused connection is closed after this, or when the endpoint's Keep-Alive header says so. */
const KEEP_ALIVE_MILLIS = 10_000;
const KEEP_ALIVE_MAX_MILLIS = 60_000;
/** Bytes of a response's header section. This is Node's default, set here so that no flag changes it. */
const MAX_RESPONSE_HEADER_BYTES = 16_384;

/** One connection, which opens when it is used and opens again when it was closed. */
export class Connection extends Client {
  readonly #interim: InterimResponses;

  constructor(origin: string, connect: buildConnector.connector, options: Omit<Client.Options, "connect">) {
    const interim = new InterimResponses();
    super(origin, {
      ...options,
      connect: (target, callback) =>
        connect(target, (...result) => {
          if (result[1] !== null) interim.watch(result[1]);
          callback(...result);
        }),
    });
    this.#interim = interim;
  }

  /** Call this when a request is about to be written. */
  expectResponse(): void {
    this.#interim.expectResponse();
  }
}

/**
 * Connections by origin. An undici `Client` is one connection. It opens when it is first used and reopens after it was
 * closed. It is lent for a whole exchange. undici's `Pool` is not used: a request that has timed out cannot leave its
 * queue, and it opens a second connection for a request that follows a response in the same turn of the event loop.
 */
export interface OriginConnections {
  /** Take a connection at once: the next call may close an origin with no lent connection. */
  of(origin: string): Lender<Connection>;
  /** Resolves when all exchanges in flight have ended and all connections are closed. */
  close(): Promise<void>;
}

export function createOriginConnections(
  connect: buildConnector.connector,
  limits: { readonly origins: number; readonly connectionsPerOrigin: number } = {
    origins: MAX_ORIGINS,
    connectionsPerOrigin: MAX_CONNECTIONS_PER_ORIGIN,
  },
): OriginConnections {
  // A Map keeps insertion order, and `of` re-inserts, so the first entry is the least recently used one.
  const origins = new Map<string, Lender<Connection>>();
  const closing = new Set<Promise<void>>();

  const closeAll = (clients: readonly Connection[]) => {
    for (const client of clients) {
      const closed = client.close().finally(() => closing.delete(closed));
      closing.add(closed);
    }
  };

  /** Busy origins stay open, even beyond the limit: there are never more of them than requests in flight. */
  const closeIdleOrigins = () => {
    for (const [name, clients] of origins) {
      if (origins.size < limits.origins) return;
      if (!clients.isIdle) continue;
      origins.delete(name);
      closeAll(clients.items);
    }
  };

  const createConnection = (origin: string) =>
    new Connection(origin, connect, {
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MILLIS,
      keepAliveMaxTimeout: KEEP_ALIVE_MAX_MILLIS,
      maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
      // The webhook client has one deadline for the whole request. undici's timers tick only once a second.
      headersTimeout: 0,
      bodyTimeout: 0,
    });

  return {
    of(origin) {
      const known = origins.get(origin);
      if (known === undefined) closeIdleOrigins();
      const clients = known ?? createLender(limits.connectionsPerOrigin, () => createConnection(origin));
      origins.delete(origin);
      origins.set(origin, clients);
      return clients;
    },
    async close() {
      for (const clients of origins.values()) closeAll(clients.items);
      origins.clear();
      await Promise.all(closing);
    },
  };
}
