import { createServer, type Server, type Socket } from "node:net";
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
} from "node:tls";
import { ManagerConnection } from "./connection.ts";
import type { Logins } from "./logins.ts";
import type { GatewayParts } from "./parts.ts";
import { Tally } from "./tally.ts";

/** The places for connections, which all ports of a gateway share. */
export class Places {
  readonly #limits: GatewayParts["limits"];
  readonly #waiting = new Tally();
  #open = 0;

  constructor(limits: GatewayParts["limits"]) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#open;
  }

  /** A place for a connection that has not logged in yet; undefined when there is none. */
  enter(address: string): Place | undefined {
    const { connections, authLimit, authLimitPerAddress } = this.#limits;
    if (
      this.#open >= connections ||
      this.#waiting.total >= authLimit ||
      this.#waiting.of(address) >= authLimitPerAddress
    )
      return undefined;
    this.#open += 1;
    const loggedIn = this.#waiting.enter(address);
    let isIn = true;
    return {
      loggedIn,
      leave: () => {
        if (isIn) this.#open -= 1;
        isIn = false;
        loggedIn();
      },
    };
  }
}

/** The place of one connection. Both calls are safe to repeat. */
export interface Place {
  /** The connection does not count any more among those that have not logged in. */
  loggedIn(): void;
  leave(): void;
}

/** The key and certificate of a TLS port, in PEM. */
export type Certificate = Required<Pick<SecureContextOptions, "key" | "cert">>;

/** One port for AMI clients. */
export class ManagerServer {
  readonly #server: Server | TlsServer;
  readonly #parts: GatewayParts;
  readonly #logins: Logins;
  readonly #places: Places;
  readonly #connections = new Map<ManagerConnection, Promise<void>>();
  /** TLS sockets whose handshake has not ended, by address and port. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly place: Place }>();
  #isStopping = false;

  constructor(parts: GatewayParts, logins: Logins, places: Places, certificate?: Certificate) {
    this.#parts = parts;
    this.#logins = logins;
    this.#places = places;
    const { authTimeoutMillis } = parts.limits;
    this.#server = certificate
      ? createTlsServer({ ...certificate, handshakeTimeout: authTimeoutMillis })
      : createServer();
    if (certificate === undefined)
      this.#server.on("connection", (socket: Socket) => this.#serve(socket, this.#enter(socket)));
    else this.#acceptTls();
  }

  /** @returns the port, which is a free one when 0 was asked for */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** New connections get this certificate. */
  useCertificate(certificate: Certificate): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(certificate);
  }

  get connections(): number {
    return this.#connections.size;
  }

  /**
   * Accepts no more connections, and closes those that there are on a message border: one after the other, spread over
   * `drainMillis`, so that their clients do not all come back at the same time.
   */
  async stop(drainMillis: number): Promise<void> {
    this.#isStopping = true;
    this.#server.close();
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    const { clock } = this.#parts;
    const open = [...this.#connections];
    const begunAtEpochMillis = clock.nowEpochMillis();
    for (const [index, [connection]] of open.entries()) {
      if (!this.#connections.has(connection)) continue;
      const dueAtEpochMillis = begunAtEpochMillis + (drainMillis * index) / open.length;
      const waitMillis = dueAtEpochMillis - clock.nowEpochMillis();
      // A clock that was set back would make the drain longer than asked for.
      if (waitMillis >= 1 && waitMillis <= drainMillis) await clock.sleep(waitMillis);
      connection.close();
    }
    await Promise.all(open.map(([, ended]) => ended));
  }

  /** A handshake has its place too, so that slow ones are bounded. */
  #acceptTls(): void {
    const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
    this.#server.on("connection", (socket: Socket) => {
      const key = keyOf(socket);
      const place = this.#enter(socket);
      if (place === undefined) return;
      this.#handshakes.set(key, { socket, place });
      socket.once("close", () => {
        this.#handshakes.delete(key);
        place.leave();
      });
    });
    this.#server.on("secureConnection", (socket: Socket) => {
      const key = keyOf(socket);
      const place = this.#handshakes.get(key)?.place;
      this.#handshakes.delete(key);
      this.#serve(socket, place);
    });
    this.#server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  }

  #enter(socket: Socket): Place | undefined {
    const place = this.#places.enter(socket.remoteAddress ?? "");
    // As Manager does: without a greeting.
    if (place === undefined) socket.destroy();
    return place;
  }

  #serve(socket: Socket, place: Place | undefined): void {
    if (place === undefined || this.#isStopping) {
      socket.destroy();
      return;
    }
    const connection = new ManagerConnection(socket, this.#parts, this.#logins, { onLogin: place.loggedIn });
    const ended = connection.run().finally(() => {
      place.leave();
      this.#connections.delete(connection);
    });
    this.#connections.set(connection, ended);
  }
}
