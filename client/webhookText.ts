import { headerOf, type WebhookHeaders, WebhookRefusedError } from "./receiver.ts";

/**
 * Far above the largest request: 512 KiB of messages, twice that in AMI (text and fields), plus escaping. The relay would
 * retry a request that is refused for its size for days.
 */
export const MAX_WEBHOOK_BYTES = 8 * 1024 * 1024;

/**
 * The text of a request's body, which `verifyWebhook` takes: inflated if the session has `compress`. Only for servers that do
 * not inflate by themselves. `NodeReceiver` does it with Node's faster functions.
 * @param body the bytes as received
 * @param maxBytes of the text: a small body can inflate to gigabytes, and nobody's signature is verified yet
 * @throws WebhookRefusedError 413 when the text is longer, 415 for another encoding, 400 for bytes that are not gzip
 */
export async function webhookText(
  headers: WebhookHeaders,
  body: Uint8Array<ArrayBuffer>,
  maxBytes = MAX_WEBHOOK_BYTES,
): Promise<string> {
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  if (!isGzip(headers)) return new TextDecoder().decode(body);
  const inflating = new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"));
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    // Leaving the loop ends the inflating.
    for await (const chunk of inflating) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    throw error instanceof WebhookRefusedError ? error : notGzip(error);
  }
  return text + decoder.decode();
}

/** @throws WebhookRefusedError 415 */
export function isGzip(headers: WebhookHeaders): boolean {
  const encoding = headerOf(headers, "content-encoding").trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return false;
  if (encoding === "gzip") return true;
  throw new WebhookRefusedError(415, "the body's encoding is neither gzip nor identity");
}

export function tooLarge(maxBytes: number): WebhookRefusedError {
  return new WebhookRefusedError(413, `the body has more than ${maxBytes} bytes, counted after inflating it`);
}

export function notGzip(cause: unknown): WebhookRefusedError {
  return new WebhookRefusedError(400, "the body cannot be inflated: it is not gzip", cause);
}
