import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import type { SpoolRecord } from "../spool.ts";

/**
 * The body of one request. Every record is exactly one event of the body, because the relay counts positions by events:
 * a record that it would skip or split would shift all later positions. Such a record is replaced by an event that the
 * relay refuses, which uses up the position.
 */
export interface RequestBody {
  readonly format: SpoolRecord["format"];
  readonly bytes: Buffer<ArrayBuffer>;
  /** Why a record was replaced, by its index. */
  readonly replaced: ReadonlyMap<number, string>;
}

/** Two of these and their separators fit into a request. The relay accepts events of 128 KiB. */
export const MAX_RECORD_BYTES = 256 * 1024;

const LINE_FEED = 0x0a;
const OPEN_BRACE = "{";
const STASIS_PLACEHOLDER = "null";
const AMI_PLACEHOLDER = "Event:\r\n\r\n";

/**
 * @param records all of one format
 * @param given records to replace, with the reasons, by their index
 */
export function requestBody(
  records: readonly SpoolRecord[],
  given: ReadonlyMap<number, string> = new Map(),
): RequestBody {
  const format = records[0]?.format ?? "stasis";
  const replaced = new Map(given);
  const pieces: Uint8Array[] = [];
  records.forEach(({ body }, index) => {
    const reason = given.get(index) ?? (format === "ami" ? wrongAmi(body) : wrongStasis(body));
    if (reason !== undefined) replaced.set(index, reason);
    if (format === "ami")
      pieces.push(reason === undefined ? withEmptyLine(body) : Buffer.from(AMI_PLACEHOLDER));
    else pieces.push(reason === undefined ? body : Buffer.from(STASIS_PLACEHOLDER), LINE_END);
  });
  return { format, bytes: Buffer.concat(pieces), replaced };
}

const LINE_END = Buffer.from("\n");

function wrongStasis(body: Buffer): string | undefined {
  if (body.length > MAX_RECORD_BYTES) return tooLarge(body);
  if (!body.includes(OPEN_BRACE)) return "not a JSON object";
  return body.includes(LINE_FEED) ? "an event has no line breaks" : undefined;
}

function wrongAmi(body: Buffer): string | undefined {
  if (body.length > MAX_RECORD_BYTES) return tooLarge(body);
  const { events } = readAmiEvents(body);
  const [event] = events;
  if (event === undefined) return "not an event for all sessions: a response, or a part of one";
  if (events.length > 1) return `${events.length} blocks instead of one`;
  return "error" in event ? event.error : undefined;
}

function tooLarge({ length }: Buffer): string {
  return `the event has ${length} bytes; at most ${MAX_RECORD_BYTES} are sent`;
}

/** The block with the empty line that ends it. */
function withEmptyLine(body: Buffer): Buffer {
  const end = body.subarray(-4).toString("latin1");
  if (end.endsWith("\r\n\r\n") || end.endsWith("\n\n")) return body;
  return Buffer.concat([body, Buffer.from(end.endsWith("\n") ? "\r\n" : "\r\n\r\n")]);
}
