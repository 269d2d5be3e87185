import type { Sequence } from "../queue/sequence.ts";
import type { Batch } from "../sessions/batch.ts";
import type { Cursor } from "../sessions/cursor.ts";
import { gzipOf } from "./gzip.ts";
import type { BodyEnd } from "./sharedMessages.ts";

/** The body of a request. */
export interface WebhookBody {
  /** The JSON text in UTF-8, in pieces. This is what is signed. */
  readonly json: readonly Uint8Array[];
  /** What is sent: the same text, compressed if `encoding` says so. */
  readonly sent: Uint8Array;
  readonly encoding: "gzip" | undefined;
}

/**
 * The request body. `first` and `last` are the numbers of its first and last message, or of the gap that it reports.
 * `previous` is the last number sent to this session before. A receiver that stores `last` can thus prove that it
 * missed nothing, whatever its filter omits.
 *
 * All that belongs to the session alone is in front, so that the end can be shared. When gzip makes the body no smaller,
 * it is sent as it is.
 */
export function webhookBody(
  cursor: Pick<Cursor, "feed" | "session" | "fence" | "previous" | "gap" | "next">,
  batch: Batch,
  end: BodyEnd,
): WebhookBody {
  const { first, last } = rangeOf(cursor, batch);
  const names = `"feed":${JSON.stringify(cursor.feed)},"session":${JSON.stringify(cursor.session)}`;
  const numbers = `"epoch":${cursor.fence},"first":${first},"last":${last},"previous":${cursor.previous}`;
  return bodyOf(Buffer.from(`{${names},${numbers},"messages":`), end);
}

function bodyOf(beginning: Uint8Array, { json, deflated }: BodyEnd): WebhookBody {
  const pieces = [beginning, json];
  const compressed = deflated && gzipOf(beginning, json, deflated);
  if (compressed !== undefined && compressed.length < beginning.length + json.length)
    return { json: pieces, sent: compressed, encoding: "gzip" };
  return { json: pieces, sent: Buffer.concat(pieces), encoding: undefined };
}

/** The numbers of a request's first and last message, or of the gap that it reports. */
export function rangeOf(
  { gap, next }: Pick<Cursor, "gap" | "next">,
  { tellsGap, messages }: Batch,
): { first: Sequence; last: Sequence } {
  const first = messages[0]?.sequence ?? next;
  return { first: tellsGap && gap ? gap.first : first, last: messages.at(-1)?.sequence ?? first };
}
