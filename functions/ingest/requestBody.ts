import { gunzipSync } from "node:zlib";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import { charsetOf } from "../../shared/ami/amiText.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { type EventOrRefusal, readEvent } from "../../shared/stasis/event.ts";
import { MAX_BATCH_EVENTS, splitArray, splitEvents, splitLines } from "../../shared/stasis/eventBatch.ts";

/** The limit of one request body, both compressed and uncompressed. */
export const MAX_BODY_BYTES = 1024 * 1024;

export interface EventBody {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** The entries of a request: each is an event, or the reason why it is refused. */
export interface EventBatch {
  readonly events: readonly EventOrRefusal[];
  /** Number of blocks of an AMI text that are not events. */
  readonly skipped?: number;
}

/** @throws HttpProblem 400, 413 or 415 when the body as a whole is not a batch of events */
export function readEventBody(body: EventBody): EventBatch {
  const read = readerOf(body.contentType);
  const batch = read(unpacked(body));
  if (batch.events.length > 0) return batch;
  const skipped = batch.skipped ?? 0;
  throw new HttpProblem(
    400,
    "body.empty",
    skipped === 0
      ? "The body holds no events."
      : `The body holds no events to append. Skipped as greetings, responses or events of a response: ${skipped}.`,
  );
}

function readerOf(contentType: string | undefined): (bytes: Uint8Array) => EventBatch {
  const mediaType = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return readArray;
  if (mediaType === "application/x-ndjson") return readLines;
  if (mediaType === "text/x-ami") return amiReader(contentType ?? "");
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

function readArray(bytes: Uint8Array): EventBatch {
  const text = textOf(bytes);
  if (text === undefined) throw new HttpProblem(400, "body.invalid", "The body is not valid UTF-8.");
  const batch = splitArray(text);
  if ("error" in batch)
    throw new HttpProblem(400, "body.invalid", batch.error, { errors: [{ at: "body", error: batch.error }] });
  return { events: atMost(batch.texts).map(readEvent) };
}

/** Only the lines that are not UTF-8 are refused. */
function readLines(bytes: Uint8Array): EventBatch {
  const text = textOf(bytes);
  if (text !== undefined) return { events: atMost(splitEvents(text)).map(readEvent) };
  const lines = atMost(splitLines(Buffer.from(bytes).toString("latin1")));
  return {
    events: lines.map((line) => {
      const lineText = textOf(Buffer.from(line, "latin1"));
      return lineText === undefined ? { error: "not valid UTF-8" } : readEvent(lineText);
    }),
  };
}

/** Reads AMI text in the charset of the content type, otherwise as UTF-8, otherwise as Latin-1. */
function amiReader(contentType: string): (bytes: Uint8Array) => EventBatch {
  const label = CHARSET.exec(contentType)?.[1];
  const charset = label === undefined ? undefined : charsetOf(label);
  if (label !== undefined && charset === undefined)
    throw new HttpProblem(415, "content-type.unsupported", "AMI text cannot be read in this charset.", {
      errors: [{ at: "header.content-type", error: `the charset ${label} is not supported` }],
    });
  return (bytes) => {
    const batch = readAmiEvents(bytes, charset);
    return { ...batch, events: atMost(batch.events) };
  };
}

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)/i;

function atMost<T>(events: readonly T[]): readonly T[] {
  if (events.length <= MAX_BATCH_EVENTS) return events;
  throw new HttpProblem(
    413,
    "body.too-many-events",
    `The body has ${events.length} events; at most ${MAX_BATCH_EVENTS} are accepted. Split it into several requests; positions make that safe.`,
  );
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
    `The body has more than ${MAX_BODY_BYTES} bytes. Split it into several requests; positions make that safe.`,
  );
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
