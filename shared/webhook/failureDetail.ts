/** The limit that `DeliveryOutcome.detail` promises. */
const MAX_DETAIL_CHARACTERS = 300;
const MAX_EXCERPT_CHARACTERS = 200;

/**
 * Text of foreign origin made fit to be stored and shown: one line, no control, format or unassigned
 * characters (they could forge log lines or reorder text on a screen), nothing that looks like a signing secret.
 */
export function sanitise(text: string, maxCharacters = MAX_DETAIL_CHARACTERS): string {
  const line = text
    .replace(/whsec_[\w+/=-]+/g, "whsec_…")
    .replace(/[\s\p{C}]+/gu, " ")
    .trim();
  return line.length <= maxCharacters ? line : `${line.slice(0, maxCharacters - 1).toWellFormed()}…`;
}

/** What an endpoint said besides its status, for the person who has to repair it. */
export function excerptOf(body: Uint8Array): string {
  // `stream`: the body was cut somewhere, so an incomplete last character is dropped rather than replaced.
  return sanitise(new TextDecoder().decode(body, { stream: true }), MAX_EXCERPT_CHARACTERS);
}

/**
 * The code of an error from Node or undici (`ECONNRESET`, `CERT_HAS_EXPIRED`, …). Their messages are left
 * out: they name addresses that a private resolver gave away.
 */
export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "unknown error";
}
