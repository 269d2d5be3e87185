const LOOPBACK_ADDRESSES = ["127.0.0.1", "::1"] as const;

/**
 * The addresses of `localhost` and everything below it, or undefined for any other name. RFC 6761 6.3: such
 * names are always loopback and are not to be asked of a resolver, so that saving a URL and connecting to it
 * are judged alike.
 */
export function loopbackAddressesOf(hostname: string): readonly string[] | undefined {
  return /(?:^|\.)localhost\.?$/i.test(hostname) ? LOOPBACK_ADDRESSES : undefined;
}
