import { once } from "node:events";
import { createServer, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { Address } from "./tunnelAddress.ts";
import { describeFailure } from "./tunnelFailure.ts";

export interface TunnelOptions {
  /** Where the gateway's TLS port is. */
  readonly to: Address;
  /** Where clients connect without TLS. */
  readonly listen: Address;
  /** Certificates to trust, in PEM, instead of the well-known ones. */
  readonly ca?: Buffer | undefined;
  /** The name in the gateway's certificate, where it is not the host. */
  readonly serverName?: string | undefined;
  /** Clients beyond this many are turned away. */
  readonly mostConnections: number;
  /** A line for the person at the terminal. */
  say(line: string): void;
}

export interface Tunnel {
  readonly port: number;
  /**
   * Ends all connections and resolves when none is left. The gateway is told first, and clients get what it has written;
   * those that do not read it within a few seconds are cut.
   */
  close(): Promise<void>;
}

/** From the first packet to the end of the TLS handshake. */
const CONNECT_TIMEOUT_MILLIS = 10_000;

/** Half-open connections are noticed by both sides' probes. */
const KEEP_ALIVE_AFTER_MILLIS = 30_000;

/** A gateway that was told of the end has this long to end its side, and a client to read what is left. */
const CLOSE_WITHIN_MILLIS = 5_000;

/** Clients try again up to twenty times a second. The same failure is said once in so long. */
const SAY_AGAIN_AFTER_MILLIS = 60_000;

/**
 * A plain TCP port that leads to the gateway over TLS, for AMI clients that cannot speak TLS. Bytes pass unchanged in
 * both directions. Each side's end is passed on by itself, and a slow reader slows its writer: what is kept here for one
 * client is bounded by the buffers of two streams, 64 KB each.
 */
export async function startTunnel(options: TunnelOptions): Promise<Tunnel> {
  const { listen, mostConnections } = options;
  /** Each client's connection, and what ends it. */
  const open = new Map<Socket, () => void>();
  const say = sayOnce(options.say);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (local) => {
    open.set(local, join(local, connect(options), options, say));
    local.once("close", () => open.delete(local));
  });
  server.maxConnections = mostConnections;
  server.on("drop", () => say(`a client was turned away: ${mostConnections} are connected already`));
  server.listen({ host: listen.host, port: listen.port });
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : listen.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const end of open.values()) end();
      }),
  };
}

function connect({ to, ca, serverName = to.host }: TunnelOptions): TLSSocket {
  // Node's page "tls" has allowHalfOpen for connections that it opens itself; its types do not.
  const settings: ConnectionOptions & { readonly allowHalfOpen: true } = {
    host: to.host,
    port: to.port,
    allowHalfOpen: true,
    // An address is no server name (RFC 6066, section 3); the certificate is still checked against it.
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca === undefined ? {} : { ca }),
  };
  return connectTls(settings);
}

/** Joins a client's connection and the gateway's. @returns what ends them */
function join(
  local: Socket,
  remote: TLSSocket,
  { to }: TunnelOptions,
  say: (line: string) => void,
): () => void {
  let isJoined = false;
  const fail = (error: Error) => {
    say(describeFailure(to, error));
    remote.destroy();
    local.destroy();
  };
  const timer = setTimeout(
    () => fail(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })),
    CONNECT_TIMEOUT_MILLIS,
  );
  remote.setNoDelay(true);
  remote.once("secureConnect", () => {
    clearTimeout(timer);
    // The keep-alive of both sides: the timer of the connecting side is not needed any more.
    remote.setKeepAlive(true, KEEP_ALIVE_AFTER_MILLIS);
    local.setKeepAlive(true, KEEP_ALIVE_AFTER_MILLIS);
    // pipe() passes an end on as an end, and stops reading while the other side is full.
    local.pipe(remote);
    remote.pipe(local);
    isJoined = true;
  });
  remote.on("error", fail);
  // The client is gone; the gateway is told by the end of its connection.
  local.on("error", () => remote.destroy());
  remote.once("close", () => {
    clearTimeout(timer);
    local.destroySoon();
  });
  local.once("close", () => remote.destroySoon());
  return () => {
    if (!isJoined) return void local.destroy();
    local.unpipe(remote);
    remote.end();
    // The gateway's end is passed on to the client behind the last bytes.
    const late = setTimeout(() => local.destroy(), CLOSE_WITHIN_MILLIS);
    remote.once("end", () => local.resume());
    local.once("close", () => clearTimeout(late));
  };
}

function sayOnce(say: (line: string) => void): (line: string) => void {
  const saidAtMillis = new Map<string, number>();
  return (line) => {
    const now = performance.now();
    if (now - (saidAtMillis.get(line) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN_AFTER_MILLIS) return;
    // Few lines exist; a message with a changing part must not fill the memory.
    if (saidAtMillis.size >= 100) saidAtMillis.clear();
    saidAtMillis.set(line, now);
    say(line);
  };
}
