import { isIP } from "node:net";
import type { AddressGuard } from "./addressGuard.ts";
import { loopbackAddressesOf } from "./localhost.ts";

/** Common servers and proxies truncate or refuse longer URLs. RFC 9110 4.1 recommends 8000. */
const MAX_URL_CHARACTERS = 2048;

export type WebhookUrlVerdict =
  | { readonly ok: true /** Normalised by the WHATWG URL parser. */; readonly url: string }
  | { readonly ok: false /** For the person who configures the session. */; readonly error: string };

/**
 * Checks a webhook URL when a person saves it, so that mistakes show at once. It does not replace the check at
 * connection time: names are resolved only then, and may resolve differently every time.
 */
export function checkWebhookUrl(
  text: string,
  options: { readonly guard: AddressGuard; readonly allowHttp: boolean },
): WebhookUrlVerdict {
  if (text.length > MAX_URL_CHARACTERS) return refuse(`is longer than ${MAX_URL_CHARACTERS} characters`);
  const url = URL.parse(text);
  if (url === null) return refuse("is not an absolute URL");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && options.allowHttp))
    return refuse(options.allowHttp ? "must begin with https: or http:" : "must begin with https:");
  if (url.username !== "" || url.password !== "") return refuse("must not carry a user name or password");
  if (url.href.includes("#")) return refuse("must not have a fragment (#…): it is never sent");
  // The parser percent-encodes, so the normalised form can be longer than the input.
  if (url.href.length > MAX_URL_CHARACTERS) return refuse(`is longer than ${MAX_URL_CHARACTERS} characters`);

  const refusal = refusalOfHost(url.hostname, options.guard);
  if (refusal !== undefined) return refuse(`points to an address that is not allowed (${refusal})`);
  return { ok: true, url: url.href };
}

function refuse(what: string): WebhookUrlVerdict {
  return { ok: false, error: `the URL ${what}` };
}

/** Why the host is refused; undefined when it is allowed, or a name that only a resolver can check. */
function refusalOfHost(hostname: string, guard: AddressGuard): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const addresses = loopbackAddressesOf(host) ?? (isIP(host) === 0 ? [] : [host]);
  const verdicts = addresses.map((address) => guard.check(address));
  if (verdicts.some((verdict) => verdict.allowed)) return undefined;
  return verdicts.find((verdict) => !verdict.allowed)?.reason;
}
