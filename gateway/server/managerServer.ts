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
  enter(address: string): { loggedIn(): void; leave(): void } | undefined {
    const { connections, authLimit, authLimitPerAddress } = this.#limits;
    if (
      this.#open >= connections ||
      this.#waiting.of(ALL) >= authLimit ||
      this.#waiting.of(`at ${address}`) >= authLimitPerAddress
    )
      return undefined;
    this.#open += 1;
    const counted = [this.#waiting.enter(ALL), this.#waiting.enter(`at ${address}`)];
    const loggedIn = () => {
      for (const leave of counted) leave();
    };
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

const ALL = "all";

/** The key and certificate of a TLS port, in PEM. */
export type Certificate = Required<Pick<SecureContextOptions, "key" | "cert">>;

/** One port for AMI clients. */
export class ManagerServer {
  readonly #server: Server | TlsServer;
  readonly #parts: GatewayParts;
  readonly #logins: Logins;
  readonly #places: Places;
  readonly #connections = new Map<ManagerConnection, Promise<void>>();

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

  /** Accepts no more connections, and closes those that there are on a message border. */
  async stop(): Promise<void> {
    this.#server.close();
    const open = [...this.#connections];
    for (const [connection] of open) connection.close();
    await Promise.all(open.map(([, ended]) => ended));
  }

  /** A handshake has its place too, so that slow ones are bounded. */
  #acceptTls(): void {
    const places = new Map<string, ReturnType<Places["enter"]>>();
    const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
    this.#server.on("connection", (socket: Socket) => {
      const key = keyOf(socket);
      const place = this.#enter(socket);
      if (place === undefined) return;
      places.set(key, place);
      socket.once("close", () => {
        places.delete(key);
        place.leave();
      });
    });
    this.#server.on("secureConnection", (socket: Socket) => this.#serve(socket, places.get(keyOf(socket))));
    this.#server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  }

  #enter(socket: Socket): ReturnType<Places["enter"]> {
    const place = this.#places.enter(socket.remoteAddress ?? "");
    // As Manager does: without a greeting.
    if (place === undefined) socket.destroy();
    return place;
  }

  #serve(socket: Socket, place: ReturnType<Places["enter"]>): void {
    if (place === undefined) return;
    const connection = new ManagerConnection(socket, this.#parts, this.#logins, { onLogin: place.loggedIn });
    const ended = connection.run().finally(() => {
      place.leave();
      this.#connections.delete(connection);
    });
    this.#connections.set(connection, ended);
  }
}
