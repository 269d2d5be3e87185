export interface AriUrls {
  /** Ends with `/ari/`. Paths such as `channels` are relative to it. */
  readonly rest: URL;
  readonly events: URL;
}

const WEB_SOCKET = { "http:": "ws:", "https:": "wss:" } as const;

/**
 * The addresses of ARI behind the address of a PBX's web server. The address may begin with `http`, `https`, `ws` or
 * `wss`, and may have a path: the `prefix` of http.conf, or that of a reverse proxy. It may name `/ari` itself.
 * Credentials in it are left out: they go into a header.
 * @throws TypeError when the address is none, or has another scheme
 */
export function ariUrls(address: string, app: string): AriUrls {
  const rest = new URL(address);
  if (rest.protocol.startsWith("ws")) rest.protocol = rest.protocol.replace("ws", "http");
  const scheme =
    rest.protocol === "http:" || rest.protocol === "https:" ? WEB_SOCKET[rest.protocol] : undefined;
  if (scheme === undefined) throw new TypeError(`not an http, https, ws or wss address: ${rest.protocol}`);
  for (const part of ["username", "password", "search", "hash"] as const) rest[part] = "";
  const path = rest.pathname.replace(/\/+$/, "");
  rest.pathname = `${path.endsWith("/ari") ? path : `${path}/ari`}/`;
  const events = new URL("events", rest);
  events.protocol = scheme;
  events.search = new URLSearchParams({ app, subscribeAll: "true" }).toString();
  return { rest, events };
}
