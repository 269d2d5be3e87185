export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads HOST:PORT, HOST or [IPv6]:PORT.
 * @returns undefined for anything else
 */
export function readAddress(text: string, defaultPort: number): Address | undefined {
  const { bracketed, name, digits } =
    /^(?:\[(?<bracketed>[0-9A-Fa-f:.]+)\]|(?<name>[^\s:/@[\]]+))(?::(?<digits>\d{1,5}))?$/.exec(text)
      ?.groups ?? {};
  const host = bracketed ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
