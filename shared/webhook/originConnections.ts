import { type buildConnector, Client } from "undici";
import { InterimResponses } from "./interimResponses.ts";
import { createLender, type Lender } from "./lender.ts";

/** Connections to one origin at a time; more requests than that wait. */
const MAX_CONNECTIONS_PER_ORIGIN = 32;
/** Origins whose connections are kept; beyond that the one idle for longest is closed. */
const MAX_ORIGINS = 256;
/** An unused connection is closed after this, or when the endpoint's own Keep-Alive hint says so. */
const KEEP_ALIVE_MILLIS = 10_000;
const KEEP_ALIVE_MAX_MILLIS = 60_000;
/** Bytes of an answer's header section; Node's own default, stated so that no flag changes it. */
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

  /** To be called when a request is about to be written. */
  expectResponse(): void {
    this.#interim.expectResponse();
  }
}

/**
 * Connections by origin. One undici `Client` is one connection, which opens when it is used and opens again
 * when it was closed. It is lent for a whole exchange: undici's `Pool` would do the same, but a request whose
 * time has run out cannot leave the queue of a Pool, and a Pool opens a second connection for a request that
 * follows an answer within the same turn of the event loop.
 */
export interface OriginConnections {
  /** To be taken from at once: an origin of which nothing is lent may be closed by the next call. */
  of(origin: string): Lender<Connection>;
  /** Resolves when all exchanges under way have ended and their connections are closed. */
  close(): Promise<void>;
}

export function createOriginConnections(
  connect: buildConnector.connector,
  limits: { readonly origins: number; readonly connectionsPerOrigin: number } = {
    origins: MAX_ORIGINS,
    connectionsPerOrigin: MAX_CONNECTIONS_PER_ORIGIN,
  },
): OriginConnections {
  // A Map keeps insertion order, and `of` re-inserts: the first entry is the one not used for longest.
  const origins = new Map<string, Lender<Connection>>();
  const closing = new Set<Promise<void>>();

  const closeAll = (clients: readonly Connection[]) => {
    for (const client of clients) {
      const closed = client.close().finally(() => closing.delete(closed));
      closing.add(closed);
    }
  };

  /** Busy origins stay, even beyond the limit: there are never more of them than requests under way. */
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
      // The webhook client has one deadline of its own for all of it; undici's timers tick once a second.
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
