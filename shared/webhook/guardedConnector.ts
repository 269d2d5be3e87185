import type { LookupAddress } from "node:dns";
import { lookup as lookupByOperatingSystem } from "node:dns/promises";
import { isIP, type LookupFunction, Socket } from "node:net";
import { buildConnector } from "undici";
import type { AddressGuard } from "./addressGuard.ts";
import { codeOf } from "./failureDetail.ts";
import { loopbackAddressesOf } from "./localhost.ts";

/** Why no connection came about; the same words as in `DeliveryOutcome.reason`. */
export type ConnectionReason =
  | "address.refused"
  | "connection.failed"
  | "connection.refused"
  | "dns.failed"
  | "timeout"
  | "tls.failed";

export class ConnectionFailure extends Error {
  readonly reason: ConnectionReason;

  constructor(reason: ConnectionReason, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.name = "ConnectionFailure";
    this.reason = reason;
  }
}

/** All addresses of a name, in the order in which they are to be tried. Rejects when there is none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** The operating system's resolver, so that /etc/hosts and container names work as everywhere else. */
export const resolveHost: ResolveHost = async (hostname) => {
  const found = await lookupByOperatingSystem(hostname, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
};

/**
 * An undici connector that reaches guarded addresses only. A name is resolved once per connection, every
 * address of the answer is judged, and the connection goes to one of exactly these: a name server that
 * answers differently the next time (DNS rebinding) is not asked again. One refused address refuses the
 * name, because an endpoint that mixes public and private addresses is an attack or a mistake.
 *
 * All errors are `ConnectionFailure`.
 */
export function createGuardedConnector(options: {
  readonly guard: AddressGuard;
  readonly resolve: ResolveHost;
  readonly connectTimeoutMillis: number;
}): buildConnector.connector {
  const { guard, resolve } = options;

  const assertAllowed = (address: string): LookupAddress => {
    const verdict = guard.check(address);
    if (!verdict.allowed)
      throw new ConnectionFailure("address.refused", `the host's address is refused: ${verdict.reason}`);
    return { address, family: isIP(address) };
  };

  const resolveGuarded = async (hostname: string): Promise<LookupAddress[]> => {
    // Of the two loopback addresses, operators tend to allow only one; neither can lead anywhere else.
    const loopback = loopbackAddressesOf(hostname);
    const allowedLoopback = loopback?.filter((address) => guard.check(address).allowed) ?? [];
    if (allowedLoopback.length > 0) return allowedLoopback.map(assertAllowed);

    const addresses = loopback ?? (await resolveOrFail(resolve, hostname));
    return addresses.map(assertAllowed);
  };

  const lookup: LookupFunction = (hostname, _options, callback) => {
    resolveGuarded(hostname).then(
      (addresses) => callback(null, addresses),
      (error) => callback(error, []),
    );
  };

  const connect = buildConnector({
    // HTTP/1.1 only: an answer whose body never ends is then cut by closing its own connection.
    allowH2: false,
    timeout: options.connectTimeoutMillis,
    lookup,
    // Makes Node ask for all addresses and try them in turn (RFC 8305), e.g. where there is no IPv6 route.
    autoSelectFamily: true,
  });

  return (target, callback) => {
    try {
      // Node does not call `lookup` for a literal address.
      if (isIP(target.hostname) !== 0) assertAllowed(target.hostname);
    } catch (error) {
      queueMicrotask(() => callback(asFailure(error, "address.refused"), null));
      return;
    }

    let isTcpConnected = false;
    const socket: unknown = connect(target, (...[error, connected]) => {
      if (error === null) callback(null, connected);
      else callback(asFailure(error, isTcpConnected ? "tls.failed" : "connection.failed"), null);
    });
    if (socket instanceof Socket)
      socket.once("connect", () => {
        isTcpConnected = true;
      });
  };
}

async function resolveOrFail(resolve: ResolveHost, hostname: string): Promise<readonly string[]> {
  const addresses = await resolve(hostname).catch((error: unknown) => {
    throw new ConnectionFailure("dns.failed", `the host name does not resolve: ${codeOf(error)}`, error);
  });
  if (addresses.length === 0) throw new ConnectionFailure("dns.failed", "the host name has no address");
  return addresses;
}

function asFailure(error: unknown, otherwise: ConnectionReason): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error;
  const code = codeOf(error);
  if (code === "ECONNREFUSED")
    return new ConnectionFailure("connection.refused", "nothing listens at the address and port", error);
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT")
    return new ConnectionFailure("timeout", "the connection was not established in time", error);
  const phase = otherwise === "tls.failed" ? "the TLS handshake failed" : "the connection failed";
  return new ConnectionFailure(otherwise, `${phase}: ${code}`, error);
}
