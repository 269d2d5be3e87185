/** The limit that `DeliveryOutcome.detail` promises. */
const MAX_DETAIL_CHARACTERS = 300;
const MAX_EXCERPT_CHARACTERS = 200;

/**
 * Makes foreign text safe to store and show: one line, no control, format or unassigned characters (they could forge
 * log lines or reorder text on a screen), and nothing that looks like a signing secret.
 */
export function sanitise(text: string, maxCharacters = MAX_DETAIL_CHARACTERS): string {
  const line = text
    .replace(/whsec_[\w+/=-]+/g, "whsec_…")
    .replace(/[\s\p{C}]+/gu, " ")
    .trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 1).toWellFormed()}…`;
}

/** The start of an endpoint's error body, for the person who has to repair the endpoint. */
export function excerptOf(body: Uint8Array): string {
  // `stream`: the body may be cut anywhere, so an incomplete last character is dropped, not replaced.
  return sanitise(new TextDecoder().decode(body, { stream: true }), MAX_EXCERPT_CHARACTERS);
}

/**
 * The code of an error from Node or undici (`ECONNRESET`, `CERT_HAS_EXPIRED`, …). Their messages are omitted: they can
 * reveal addresses from a private resolver.
 */
export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "unknown error";
}
