const LOOPBACK_ADDRESSES = ["127.0.0.1", "::1"] as const;

/**
 * The addresses of `localhost` and its subdomains; undefined for any other name. RFC 6761 6.3: such names are always
 * loopback and must not be sent to a resolver. So the check of a saved URL and the check of a connection agree.
 */
export function loopbackAddressesOf(hostname: string): readonly string[] | undefined {
  return /(?:^|\.)localhost\.?$/i.test(hostname) ? LOOPBACK_ADDRESSES : undefined;
}
