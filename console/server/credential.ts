import { HttpProblem } from "../../shared/http/problem.ts";

/*
 * The console's credential is the key itself, in a cookie that scripts cannot read. A sealed value would protect nothing
 * more: whoever has the cookie can call the relay with it, sealed or not. It would need a second secret, and its revocation.
 * So a request with the cookie is judged as one with the key: in constant time, by role and feeds, with revocation.
 *
 * The rule: the cookie counts only beneath /console, and beneath /console/api only for requests of the console's own pages
 * (`requireOwnPage`). The interface itself, /v1, knows no cookies, so no page can make a browser call it.
 */

/** The only path beneath which a browser sends the cookie. Cookies know no ports, so others on this host do not get it. */
export const CONSOLE_PATH = "/console";

/** A header that only the console's scripts set. Pages of other origins cannot, because the relay answers no CORS request. */
const OWN_PAGE_HEADER = "relay-console";

/** A working day. The key stays valid after it, but a browser that was left alone does not. */
const COOKIE_SECONDS = 12 * 3_600;

/** Cookies have no ports, so two relays on one machine need two names. */
function cookieName(host: string | undefined): string {
  const port = /:(\d{1,5})$/.exec(host ?? "")?.[1];
  return port === undefined ? "stasis-relay" : `stasis-relay-${port}`;
}

/** The key in a Cookie header; undefined when it holds none. */
export function cookieKey(cookie: string | undefined, host: string | undefined): string | undefined {
  const name = `${cookieName(host)}=`;
  const value = cookie?.split(/; */).find((each) => each.startsWith(name));
  if (value === undefined || !/^[\w-]+$/.test(value.slice(name.length))) return undefined;
  const key = Buffer.from(value.slice(name.length), "base64url").toString();
  // What a header cannot carry is no key.
  return /^[\x21-\x7e\x80-\xff]+$/.test(key) ? key : undefined;
}

/**
 * The Set-Cookie header that keeps a key, or ends it.
 * @param key undefined to sign out
 */
export function keyCookie(
  key: string | undefined,
  { host, isHttps }: { readonly host: string | undefined; readonly isHttps: boolean },
): string {
  return [
    // A key may have any characters, and a cookie may not.
    `${cookieName(host)}=${Buffer.from(key ?? "").toString("base64url")}`,
    `Path=${CONSOLE_PATH}`,
    `Max-Age=${key === undefined ? 0 : COOKIE_SECONDS}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(isHttps ? ["Secure"] : []),
  ].join("; ");
}

/**
 * Requires that a request comes from a page of the console: by the header that only our scripts set, and by what the browser
 * says of its origin. Browsers send Sec-Fetch-Site over TLS and on this machine, and Origin with everything that changes.
 * @throws HttpProblem 403
 */
export function requireOwnPage(headers: Headers): void {
  const site = headers.get("sec-fetch-site") ?? "same-origin";
  const origin = headers.get("origin");
  const isOwnOrigin = origin === null || URL.parse(origin)?.host === headers.get("host");
  if (headers.has(OWN_PAGE_HEADER) && site === "same-origin" && isOwnOrigin) return;
  throw new HttpProblem(
    403,
    "console.foreign",
    "Only the console's own pages may call this. Programs call /v1 with a key.",
  );
}
