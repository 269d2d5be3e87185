import { gunzipSync } from "node:zlib";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { type EventOrRefusal, readEvent } from "../../shared/stasis/event.ts";
import { splitArray, splitLines } from "../../shared/stasis/eventBatch.ts";

/** The limit of one request, packed and unpacked. */
export const MAX_BODY_BYTES = 1024 * 1024;

export interface EventBody {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The events of a request, each an event or the reason why it is refused. */
export interface EventBatch {
  readonly events: readonly EventOrRefusal[];
  /** Of an AMI text: blocks that are no events. */
  readonly skipped?: number;
}

/** @throws HttpProblem 400, 413 or 415 when the body as a whole is no batch of events */
export function readEventBody(body: EventBody): EventBatch {
  const read = readerOf(body.contentType);
  const batch = read(unpacked(body));
  if (batch.events.length === 0) throw new HttpProblem(400, "body.empty", "The body holds no events.");
  return batch;
}

function readerOf(contentType: string | undefined): (bytes: Uint8Array) => EventBatch {
  const mediaType = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return (bytes) => readJson(bytes, splitArray);
  if (mediaType === "application/x-ndjson") return (bytes) => readJson(bytes, splitLines);
  if (mediaType === "text/x-ami") return readAmiEvents;
  throw new HttpProblem(
    415,
    "content-type.unsupported",
    "Send a JSON array as application/json, one event per line as application/x-ndjson, or AMI text as text/x-ami.",
    {
      errors: [
        { at: "header.content-type", error: mediaType ? `${mediaType} is not supported` : "is missing" },
      ],
    },
  );
}

function readJson(bytes: Uint8Array, split: typeof splitArray): EventBatch {
  const batch = split(asText(bytes));
  if ("error" in batch)
    throw new HttpProblem(400, "body.invalid", batch.error, { errors: [{ at: "body", error: batch.error }] });
  return { events: batch.texts.map(readEvent) };
}

function unpacked({ bytes, contentEncoding }: EventBody): Uint8Array {
  if (bytes.byteLength > MAX_BODY_BYTES) throw tooLarge();
  const encoding = contentEncoding?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return bytes;
  if (encoding !== "gzip")
    throw new HttpProblem(415, "content-encoding.unsupported", "Only gzip is supported.", {
      errors: [{ at: "header.content-encoding", error: `${encoding} is not supported` }],
    });
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BODY_BYTES });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge();
    throw new HttpProblem(400, "body.invalid", "The body is not gzip.");
  }
}

function tooLarge(): HttpProblem {
  return new HttpProblem(
    413,
    "body.too-large",
    `The body has more than ${MAX_BODY_BYTES} bytes. Send it in parts; positions make that safe.`,
  );
}

function asText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpProblem(400, "body.invalid", "The body is not valid UTF-8.");
  }
}
