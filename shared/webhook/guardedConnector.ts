import type { LookupAddress } from "node:dns";
import { lookup as lookupByOperatingSystem } from "node:dns/promises";
import { isIP, type LookupFunction, Socket } from "node:net";
import type { AddressGuard } from "./addressGuard.ts";
import { codeOf } from "./failureDetail.ts";
import { loopbackAddressesOf } from "./localhost.ts";
import { isExhaustion } from "./ownLack.ts";
import { buildConnector } from "./undiciParts.mjs";

/** Why a connection failed; the same values as `DeliveryOutcome.reason`. */
export type ConnectionReason =
  | "address.refused"
  | "connection.failed"
  | "connection.refused"
  | "dns.failed"
  | "relay.exhausted"
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

/** Returns all addresses of a name, in the order to try them. Rejects when there are none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** The operating system's resolver, so that /etc/hosts and container names work as usual. */
export const resolveHost: ResolveHost = async (hostname) => {
  const found = await lookupByOperatingSystem(hostname, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
};

/**
 * An undici connector that reaches only addresses that the guard allows.
 *
 * A name is resolved once per connection. Every resolved address is checked, and the connection goes to one of them.
 * So a name server that answers differently the second time (DNS rebinding) has no effect. One refused address refuses
 * the name: an endpoint with both public and private addresses is an attack or a mistake.
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
    // Operators tend to allow only one of the two loopback addresses. Both lead to the same machine.
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
    // HTTP/1.1 only: a response body that never ends can then be cut by closing its connection.
    allowH2: false,
    timeout: options.connectTimeoutMillis,
    lookup,
    // Makes Node request all addresses and try them in turn (RFC 8305), e.g. when there is no IPv6 route.
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
    if (isExhaustion(error)) throw exhausted(error);
    throw new ConnectionFailure("dns.failed", `the host name does not resolve: ${codeOf(error)}`, error);
  });
  if (addresses.length === 0) throw new ConnectionFailure("dns.failed", "the host name has no address");
  return addresses;
}

function exhausted(error: unknown): ConnectionFailure {
  return new ConnectionFailure("relay.exhausted", `the relay itself ran short: ${codeOf(error)}`, error);
}

function asFailure(error: unknown, otherwise: ConnectionReason): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error;
  if (isExhaustion(error)) return exhausted(error);
  const code = codeOf(error);
  if (code === "ECONNREFUSED")
    return new ConnectionFailure("connection.refused", "nothing listens at the address and port", error);
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT")
    return new ConnectionFailure("timeout", "the connection was not established in time", error);
  const phase = otherwise === "tls.failed" ? "the TLS handshake failed" : "the connection failed";
  return new ConnectionFailure(otherwise, `${phase}: ${code}`, error);
}
