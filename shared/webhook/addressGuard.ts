import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { SettingsError } from "../errors.ts";

/** The guard's verdict on one address. `reason` is for people and never contains the address. */
export type AddressVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string };

/** Decides which addresses a webhook may reach, against server-side request forgery (OWASP API7:2023). */
export interface AddressGuard {
  /** `address` is an IPv4 or IPv6 address as a resolver or a URL parser returns it. */
  check(address: string): AddressVerdict;
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

const SETTING = "RELAY_ALLOWED_ADDRESS_RANGES";

/**
 * Addresses where clouds hand out credentials and instance data. No setting allows these: a range such as
 * 169.254.0.0/16 or 0.0.0.0/0 is usually allowed for other reasons, and a single response can give away the account.
 * Sources: the providers' documentation of their instance metadata services.
 */
const METADATA_IPV4 = new Set([
  "169.254.169.254", // AWS, Azure, Google Cloud, Oracle, OpenStack, DigitalOcean, Hetzner
  "169.254.170.2", // AWS ECS task credentials
  "169.254.170.23", // AWS EKS Pod Identity
  "169.254.42.42", // Scaleway
  "169.254.0.23", // Tencent Cloud
  "100.100.100.200", // Alibaba Cloud
  "192.0.0.192", // Oracle Cloud, classic
  "168.63.129.16", // Azure WireServer: a public number that never leaves the host
]);
const METADATA_IPV6 = new Set([
  "fd00:ec2::254", // AWS
  "fd00:ec2::23", // AWS EKS Pod Identity
  "fd20:ce::254", // Google Cloud
  "fd00:42::42", // Scaleway
  "fe80::a9fe:a9fe", // OpenStack
]);

/** IANA assigns global unicast IPv6 from this block only (RFC 4291 2.4 and IANA's IPv6 registry). */
const GLOBAL_UNICAST_IPV6: Range = [ipaddr.parse("2000::"), 3];
const NAT64_LOCAL_USE: Range = [ipaddr.parse("64:ff9b:1::"), 48];
const SIX_TO_FOUR: Range = [ipaddr.parse("2002::"), 16];
const TEREDO: Range = [ipaddr.parse("2001::"), 32];

/** Common names of the ranges that ipaddr.js names after an RFC. */
const RANGE_NAMES: Readonly<Record<string, string>> = {
  rfc6052: "NAT64",
  rfc6145: "IPv4-translated",
  unicast: "not assigned for global unicast",
};

/**
 * A guard that allows only globally routable unicast, plus the operator's ranges.
 *
 * An allowed IPv4 range also covers the IPv4-mapped form of its addresses. All other embeddings (NAT64, 6to4,
 * Teredo …) must be allowed as IPv6 ranges. Cloud metadata is never allowed.
 *
 * @param allowedRanges CIDR ranges such as `10.1.0.0/16` or `fd12::/32`.
 * @throws SettingsError when a range is malformed.
 */
export function createAddressGuard(allowedRanges: readonly string[]): AddressGuard {
  const ranges = allowedRanges.map(parseRange);
  const isAllowedByOperator = (address: ipaddr.IPv4 | ipaddr.IPv6) =>
    ranges.some((range) => contains(range, address));

  return {
    check(text) {
      // isIP first: ipaddr.js also accepts octal, hexadecimal and short forms, which resolvers read differently.
      if (isIP(text) === 0) return { allowed: false, reason: "not an IP address" };
      const address = ipaddr.parse(text);
      if (isMetadata(address)) return { allowed: false, reason: "cloud metadata" };
      if (isAllowedByOperator(address)) return { allowed: true };
      if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()) {
        const embedded = address.toIPv4Address();
        return isAllowedByOperator(embedded)
          ? { allowed: true }
          : { allowed: false, reason: `IPv4-mapped, ${nameOfRange(embedded)}` };
      }
      return isPublic(address) ? { allowed: true } : { allowed: false, reason: nameOfRange(address) };
    },
  };
}

function parseRange(text: string): Range {
  const [address = "", prefix = "", ...rest] = text.split("/");
  const family = isIP(address);
  const isPrefix = /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
  if (family === 0 || address.includes("%") || !isPrefix || rest.length > 0)
    throw new SettingsError(SETTING, `"${text}" is not a CIDR range such as 10.1.0.0/16 or fd12::/32`);
  return [ipaddr.parse(address), Number(prefix)];
}

function contains([base, prefix]: Range, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return base.kind() === address.kind() && address.match([base, prefix]);
}

/** ipaddr.js knows IANA's special-purpose registries, but not which IPv6 blocks are assigned. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== "unicast") return false;
  return address.kind() === "ipv4" || contains(GLOBAL_UNICAST_IPV6, address);
}

function isMetadata(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address instanceof ipaddr.IPv4) return METADATA_IPV4.has(address.toString());
  // A copy without the zone (fe80::1%eth0), which would otherwise be part of the text.
  if (METADATA_IPV6.has(new ipaddr.IPv6(address.parts).toRFC5952String())) return true;
  return embeddedIPv4(address).some((embedded) => METADATA_IPV4.has(embedded));
}

/**
 * Every IPv4 address that a gateway could extract from an IPv6 address. The last 32 bits count with any prefix,
 * because an operator's own NAT64 prefix (RFC 6052 2.2) is unknown here.
 */
function embeddedIPv4(address: ipaddr.IPv6): string[] {
  const bytes = address.toByteArray();
  const read = (...positions: number[]) => positions.map((position) => bytes[position] ?? 0).join(".");
  // IPv4-mapped and -compatible (RFC 4291), -translated (RFC 6145), NAT64 /96 (RFC 6052), ISATAP (RFC 5214).
  const found = [read(12, 13, 14, 15)];
  if (contains(SIX_TO_FOUR, address)) found.push(read(2, 3, 4, 5)); // RFC 3056 2
  if (contains(TEREDO, address)) {
    found.push(read(4, 5, 6, 7)); // RFC 4380 4: the server, then the client with every bit inverted
    found.push([12, 13, 14, 15].map((position) => (bytes[position] ?? 0) ^ 0xff).join("."));
  }
  // RFC 8215 leaves the prefix length in this block open. RFC 6052 2.2 gives the place of the IPv4 for each length.
  if (contains(NAT64_LOCAL_USE, address))
    found.push(read(6, 7, 9, 10), read(7, 9, 10, 11), read(9, 10, 11, 12));
  return found;
}

function nameOfRange(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  const range = address.range();
  return RANGE_NAMES[range] ?? range.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
