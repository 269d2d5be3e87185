import { BlockList, isIP } from "node:net";

/*
 * DNS rebinding: a page's own host name is made to resolve to this machine, so that a browser takes us for the page's
 * server. The Host that it then sends is the page's, and tells it from a caller who means us.
 */

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

const MAX_PORT = 65_535;

/** The host name or address of an authority (`host`, `host:port`, `[address]:port`); undefined when malformed. */
export function hostnameOf(authority: string): string | undefined {
  const match = /^(?:\[(?<address>[\da-f:.]+)\]|(?<name>[a-z\d._-]+?)\.?)(?::(?<port>\d{0,5}))?$/i.exec(
    authority,
  );
  if (match?.groups === undefined) return undefined;
  const { address, name, port } = match.groups;
  if (Number(port) > MAX_PORT) return undefined;
  if (address !== undefined) return isIP(address) === 6 ? address.toLowerCase() : undefined;
  return name?.toLowerCase();
}

/** Whether a Host header names this machine's loopback: an address, or a name that never leaves it (RFC 6761 6.3). */
export function isLoopbackHost(authority: string | undefined): boolean {
  const hostname = authority === undefined ? undefined : hostnameOf(authority);
  return hostname !== undefined && isLoopbackName(hostname);
}

/** The same for what an operator writes into HOST: an address without brackets, or a name. */
export function isLoopbackName(hostname: string): boolean {
  if (/(?:^|\.)localhost$/i.test(hostname)) return true;
  const version = isIP(hostname);
  return version !== 0 && loopback.check(hostname, version === 6 ? "ipv6" : "ipv4");
}

/**
 * Whether the HTTP interface answers to this Host. On loopback only loopback names. Beyond it callers also use the
 * machine's addresses and, in a container network, names without a dot; neither can be an attacker's own domain.
 */
export function isServedHost(
  authority: string,
  served: { readonly listensOnLoopback: boolean; readonly allowedHosts: readonly string[] },
): boolean {
  const hostname = hostnameOf(authority);
  if (hostname === undefined) return false;
  if (isLoopbackName(hostname) || served.allowedHosts.includes(hostname)) return true;
  return !served.listensOnLoopback && (isIP(hostname) !== 0 || !hostname.includes("."));
}
