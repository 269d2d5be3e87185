import type { IncomingMessage } from "node:http";

/** What a request line and a Host header ask for, in whichever of their forms (RFC 9112 3.2). */
export interface RequestTarget {
  /** The host that is meant; undefined when an HTTP/1.0 client names none. */
  readonly host: string | undefined;
  /** Decoded. */
  readonly path: string;
  /** As it was sent, without the question mark. */
  readonly query: string;
}

/** `http://host:port/path?query`, as a client sends it to a proxy. It wins over the Host header (RFC 9112 3.2.2). */
const ABSOLUTE = /^https?:\/\/(?<host>[^/?#]*)(?<rest>[^#]*)$/i;

/** Undefined when the target is malformed, or of a form that only a proxy or the whole server answers. */
export function targetOf(request: Pick<IncomingMessage, "url" | "headers">): RequestTarget | undefined {
  const text = request.url ?? "/";
  const absolute = ABSOLUTE.exec(text)?.groups;
  const rest = absolute === undefined ? text : (absolute.rest ?? "");
  const [path = "", ...query] = rest.split("?");
  // An empty path is the root's (RFC 9110 4.2.3). What does not begin with a slash is no path: `*`, `host:port`.
  if (path !== "" && !path.startsWith("/")) return undefined;
  try {
    return {
      host: absolute === undefined ? request.headers.host : absolute.host,
      path: decodeURIComponent(path || "/"),
      query: query.join("?"),
    };
  } catch {
    return undefined;
  }
}
