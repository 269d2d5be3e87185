import { describe, expect, it } from "vitest";
import { SettingsError } from "../../../shared/errors.ts";
import { createAddressGuard } from "../../../shared/webhook/addressGuard.ts";

const strict = createAddressGuard([]);
const isAllowed = (address: string, ranges: readonly string[] = []) =>
  createAddressGuard(ranges).check(address).allowed;

/** The class, addresses inside it (first and last where that matters), and public neighbours outside it. */
const IPV4_CLASSES: readonly [string, readonly string[], readonly string[]][] = [
  ["unspecified 0.0.0.0/8", ["0.0.0.0", "0.1.2.3", "0.255.255.255"], ["1.0.0.0"]],
  ["private 10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]],
  ["shared 100.64.0.0/10", ["100.64.0.0", "100.127.255.255"], ["100.63.255.255", "100.128.0.0"]],
  ["loopback 127.0.0.0/8", ["127.0.0.1", "127.255.255.255"], ["126.255.255.255", "128.0.0.0"]],
  ["link-local 169.254.0.0/16", ["169.254.0.0", "169.254.255.255"], ["169.253.255.255", "169.255.0.0"]],
  ["private 172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]],
  ["IETF 192.0.0.0/24", ["192.0.0.0", "192.0.0.170"], ["192.0.1.0"]],
  ["documentation 192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.3.0"]],
  ["6to4 relay 192.88.99.0/24", ["192.88.99.1"], ["192.88.98.255", "192.88.100.0"]],
  ["private 192.168.0.0/16", ["192.168.0.0", "192.168.255.255"], ["192.167.255.255", "192.169.0.0"]],
  ["benchmarking 198.18.0.0/15", ["198.18.0.0", "198.19.255.255"], ["198.17.255.255", "198.20.0.0"]],
  ["documentation 198.51.100.0/24", ["198.51.100.7"], ["198.51.99.255", "198.51.101.0"]],
  ["documentation 203.0.113.0/24", ["203.0.113.7"], ["203.0.112.255", "203.0.114.0"]],
  ["multicast 224.0.0.0/4", ["224.0.0.1", "239.255.255.255"], ["223.255.255.255"]],
  ["reserved 240.0.0.0/4", ["240.0.0.1", "255.255.255.254"], []],
  ["broadcast", ["255.255.255.255"], []],
];

const IPV6_CLASSES: readonly [string, readonly string[], readonly string[]][] = [
  ["unspecified", ["::", "0:0:0:0:0:0:0:0"], []],
  ["loopback", ["::1", "0000:0000:0000:0000:0000:0000:0000:0001"], []],
  ["IPv4-compatible ::/96", ["::8.8.8.8", "::7f00:1", "::808:808"], []],
  ["IPv4-mapped", ["::ffff:8.8.8.8", "::ffff:808:808", "::FFFF:7f00:1", "0:0:0:0:0:ffff:10.0.0.1"], []],
  ["IPv4-translated ::ffff:0:0:0/96", ["::ffff:0:8.8.8.8", "::ffff:0:7f00:1"], []],
  ["NAT64 64:ff9b::/96", ["64:ff9b::8.8.8.8", "64:ff9b::a00:1"], []],
  ["NAT64 64:ff9b:1::/48", ["64:ff9b:1::1", "64:ff9b:1:ffff::1"], []],
  ["discard 100::/64", ["100::", "100::ffff:ffff:ffff:ffff"], []],
  ["Teredo 2001::/32", ["2001::1", "2001:0:ffff::1"], []],
  ["benchmarking 2001:2::/48", ["2001:2::1"], []],
  ["IETF 2001::/23", ["2001:1::1", "2001:20::1", "2001:1ff::1"], ["2001:200::1"]],
  ["documentation 2001:db8::/32", ["2001:db8::1"], ["2001:db7::1", "2001:db9::1"]],
  ["6to4 2002::/16", ["2002::1", "2002:808:808::1", "2002:7f00:1::"], ["2003::1"]],
  ["documentation 3fff::/20", ["3fff::1", "3fff:fff::1"], ["3ffe::1", "3fff:1000::1"]],
  ["not yet global unicast", ["1::1", "4000::1", "8000::1", "200::1"], ["2600::1"]],
  ["segment routing 5f00::/16", ["5f00::1"], []],
  ["unique local fc00::/7", ["fc00::1", "fd12:3456::1", "fdff::1"], []],
  ["link-local fe80::/10", ["fe80::1", "fe80::1%eth0", "febf::1"], []],
  ["site-local fec0::/10", ["fec0::1", "feff::1"], []],
  ["multicast ff00::/8", ["ff02::1", "ff0e::1"], []],
];

describe("an address guard without allowed ranges", () => {
  it.each([...IPV4_CLASSES, ...IPV6_CLASSES])(
    "refuses %s and not its neighbours",
    (_name, inside, outside) => {
      expect(inside.filter((address) => strict.check(address).allowed)).toEqual([]);
      expect(outside.filter((address) => !strict.check(address).allowed)).toEqual([]);
    },
  );

  it.each(IPV4_CLASSES)("refuses %s in every IPv6 embedding", (_name, inside) => {
    for (const address of inside) {
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
      const [high, low] = [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
      const embedded = [
        `::ffff:${address}`,
        `::ffff:${high}:${low}`,
        `::${high}:${low}`,
        `::ffff:0:${high}:${low}`,
        `64:ff9b::${address}`,
        `64:ff9b::${high}:${low}`,
        `64:ff9b:1::${high}:${low}`,
        `2002:${high}:${low}::1`,
        `2001:0:${high}:${low}::1`,
      ];
      expect(embedded.filter((form) => strict.check(form).allowed)).toEqual([]);
    }
  });

  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "52.95.110.1",
    "223.255.255.254",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2a00:1450:4001::1",
  ])("allows the public address %s", (address) => {
    expect(strict.check(address)).toEqual({ allowed: true });
  });

  it.each([
    "",
    "localhost",
    "example.com",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "127.1",
    "[::1]",
    "8.8.8.8 ",
    "8.8.8.8:80",
  ])("refuses %j, which is not the text of one address", (text) => {
    expect(strict.check(text)).toEqual({ allowed: false, reason: "not an IP address" });
  });

  it("names the class but not the address", () => {
    expect(strict.check("10.1.2.3")).toEqual({ allowed: false, reason: "private" });
    expect(strict.check("::ffff:10.1.2.3")).toEqual({ allowed: false, reason: "IPv4-mapped, private" });
    expect(strict.check("100.64.0.1")).toEqual({ allowed: false, reason: "carrier-grade-nat" });
    expect(strict.check("4000::1")).toEqual({ allowed: false, reason: "not assigned for global unicast" });
  });
});

describe("allowed ranges", () => {
  it.each([
    ["10.1.0.0/16", "10.1.2.3", "10.2.0.1"],
    ["127.0.0.1/32", "127.0.0.1", "127.0.0.2"],
    ["192.168.7.9/24", "192.168.7.1", "192.168.8.1"],
    ["fd12::/32", "fd12:0:1::1", "fd13::1"],
    ["::1/128", "::1", "::2"],
    ["64:ff9b::/96", "64:ff9b::8.8.8.8", "64:ff9b:1::8.8.8.8"],
    ["2002::/16", "2002:808:808::1", "fc00::1"],
    ["::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "10.1.2.3"],
  ])("%s allow %s but not %s", (range, inside, outside) => {
    expect(isAllowed(inside, [range])).toBe(true);
    expect(isAllowed(outside, [range])).toBe(false);
  });

  it("of IPv4 also allow the mapped form of the same address, and no other embedding", () => {
    expect(isAllowed("::ffff:10.1.2.3", ["10.1.0.0/16"])).toBe(true);
    expect(isAllowed("::ffff:a01:203", ["10.1.0.0/16"])).toBe(true);
    expect(isAllowed("::ffff:10.2.0.1", ["10.1.0.0/16"])).toBe(false);
    expect(isAllowed("64:ff9b::10.1.2.3", ["10.1.0.0/16"])).toBe(false);
    expect(isAllowed("2002:a01:203::1", ["10.1.0.0/16"])).toBe(false);
  });

  it("do not block public addresses", () => {
    expect(isAllowed("8.8.8.8", ["10.0.0.0/8"])).toBe(true);
  });

  it.each([
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0/8",
    "0x0a.0.0.0/8",
    "fd00::/129",
    "fe80::1%eth0/64",
    "example.com/8",
  ])("throw a settings error for %j", (range) => {
    expect(() => createAddressGuard([range])).toThrow(SettingsError);
    expect(() => createAddressGuard([range])).toThrow(/^RELAY_ALLOWED_ADDRESS_RANGES: /);
  });
});

describe("cloud metadata", () => {
  const everything = createAddressGuard(["0.0.0.0/0", "::/0", "169.254.0.0/16", "100.64.0.0/10", "fd00::/8"]);

  it.each([
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:0ec2:0:0:0:0:0:0254",
    "fd00:ec2::254%eth0",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fe80::a9fe:a9fe",
    "fe80::a9fe:a9fe%eth0",
  ])("%s stays refused when every range is allowed", (address) => {
    expect(everything.check(address)).toEqual({ allowed: false, reason: "cloud metadata" });
  });

  it.each([
    ["mapped", "::ffff:169.254.169.254"],
    ["mapped, hexadecimal", "::ffff:a9fe:a9fe"],
    ["compatible", "::a9fe:a9fe"],
    ["translated", "::ffff:0:a9fe:a9fe"],
    ["NAT64", "64:ff9b::169.254.169.254"],
    ["NAT64 local use, /96", "64:ff9b:1::a9fe:a9fe"],
    ["NAT64 local use, /48", "64:ff9b:1:a9fe:a9:fe00::"],
    ["NAT64 local use, /56", "64:ff9b:1:a9:fe:a9fe::"],
    ["NAT64 local use, /64", "64:ff9b:1::a9:fea9:fe00:0"],
    ["NAT64 with an operator's own prefix", "2600:1::a9fe:a9fe"],
    ["6to4", "2002:a9fe:a9fe::1"],
    ["Teredo server", "2001:0:a9fe:a9fe::1"],
    ["Teredo client", "2001:0:808:808:0:0:5601:5601"],
    ["ISATAP", "2600::5efe:169.254.169.254"],
  ])("stays refused as %s (%s)", (_name, address) => {
    expect(everything.check(address)).toEqual({ allowed: false, reason: "cloud metadata" });
  });

  it("does not block its neighbours in an allowed range", () => {
    for (const address of [
      "169.254.169.253",
      "169.254.170.3",
      "100.100.100.201",
      "fd00:ec2::253",
      "127.0.0.1",
    ])
      expect(everything.check(address)).toEqual({ allowed: true });
  });
});
