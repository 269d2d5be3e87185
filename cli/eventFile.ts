import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { MessageFormat } from "../client/types.ts";
import { readAmiEvents } from "../shared/ami/amiEvents.ts";
import { AmiParser } from "../shared/ami/amiParser.ts";
import { bytesOf } from "../shared/ami/amiText.ts";
import { CliError } from "./cliError.ts";

/** A file is held in memory as a whole. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** The relay takes events of 128 KiB and requests of 1 MiB. */
const MAX_EVENT_BYTES = 128 * 1024;

/** The events of a file, in order. */
export interface EventFile {
  readonly format: MessageFormat;
  /** Each with its line end or its empty line. */
  readonly events: readonly Buffer[];
  /** What is not sent, and why. */
  readonly refused: readonly string[];
  /** Of AMI: greetings, responses, and what belongs to them. */
  readonly skipped: number;
  /** Names the content: the same file has the same one. */
  readonly digest: string;
}

/**
 * Reads events as a recorder, a log or a person writes them: one JSON per line, a JSON array, events spread over lines,
 * or AMI text; compressed with gzip or not.
 * @param path - for standard input
 * @throws CliError when it cannot be read, or has no events
 */
export async function readEventFile(path: string, format?: MessageFormat): Promise<EventFile> {
  const bytes = await unpacked(path, await contentOf(path));
  const isAmi = (format ?? (looksLikeAmi(bytes) ? "ami" : "stasis")) === "ami";
  const content = isAmi ? amiEvents(bytes) : stasisEvents(path, bytes);
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  return { format: isAmi ? "ami" : "stasis", digest, ...content };
}

async function contentOf(path: string): Promise<Buffer> {
  try {
    if (path === "-") return await buffer(process.stdin);
    if ((await stat(path)).size > MAX_FILE_BYTES) throw tooLarge(path);
    return await readFile(path);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = error instanceof Error && "code" in error ? error.code : String(error);
    throw new CliError("file.unreadable", `${path}: cannot be read (${code})`);
  }
}

async function unpacked(path: string, bytes: Buffer): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MAX_FILE_BYTES });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(path);
    throw new CliError("file.unreadable", `${path}: begins as gzip does, and cannot be unpacked`);
  }
}

function tooLarge(path: string): CliError {
  return new CliError(
    "file.too-large",
    `${path}: has more than ${MAX_FILE_BYTES / 1024 / 1024} MiB. Split it.`,
  );
}

function looksLikeAmi(bytes: Buffer): boolean {
  return /^(?:\ufeff|\s)*(?:Asterisk Call Manager\/|[A-Za-z][\w-]*: )/.test(
    bytes.subarray(0, 200).toString("utf8"),
  );
}

type Content = Pick<EventFile, "events" | "refused" | "skipped">;

function amiEvents(bytes: Buffer): Content {
  const parser = new AmiParser();
  const events: Buffer[] = [];
  const refused: string[] = [];
  let skipped = 0;
  for (const item of [...parser.feed(bytes), ...parser.end()]) {
    if ("error" in item) {
      refused.push(item.error.message);
      continue;
    }
    const block = bytesOf(item);
    const [event] = item.kind === "event" ? readAmiEvents(block).events : [];
    if (event === undefined) skipped += 1;
    else if ("error" in event) refused.push(event.error);
    else events.push(block);
  }
  return { events, refused, skipped };
}

function stasisEvents(path: string, bytes: Buffer): Content {
  const texts = bytes.subarray(0, 64).toString("utf8").trimStart().startsWith("[")
    ? array(path, bytes)
    : linesOf(bytes);
  const events: Buffer[] = [];
  const refused: string[] = [];
  texts.forEach(({ line, text }) => {
    if (text.length > MAX_EVENT_BYTES)
      refused.push(`line ${line}: has ${text.length} bytes; an event has at most 128 KiB`);
    else events.push(Buffer.concat([text, LINE_END]));
  });
  return { events, refused, skipped: 0 };
}

const LINE_END = Buffer.from("\n");

interface Line {
  readonly line: number;
  readonly text: Buffer;
}

function array(path: string, bytes: Buffer): Line[] {
  try {
    const values: unknown = JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, ""));
    if (Array.isArray(values))
      return values.map((value, index) => ({ line: index + 1, text: Buffer.from(JSON.stringify(value)) }));
  } catch {
    // As below.
  }
  throw new CliError("file.malformed", `${path}: begins as a JSON array, and is none`);
}

/** One event per line, byte for byte. From a line `{` to a line `}` it is one event, as jq writes it. */
function linesOf(bytes: Buffer): Line[] {
  const found: Line[] = [];
  let open: { line: number; parts: Buffer[] } | undefined;
  let number = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const line = bytes.subarray(from, end < 0 ? bytes.length : end);
    from = end < 0 ? bytes.length : end + 1;
    number += 1;
    const text = line.length < 8 ? line.toString("latin1").trimEnd() : undefined;
    if (open !== undefined) {
      open.parts.push(line);
      if (text !== "}") continue;
      found.push({
        line: open.line,
        text: Buffer.from(Buffer.concat(open.parts).toString("latin1").replaceAll("\r", ""), "latin1"),
      });
      open = undefined;
    } else if (text === "{") open = { line: number, parts: [line] };
    else if (line.toString("latin1").trim() !== "") found.push({ line: number, text: line });
  }
  if (open !== undefined) found.push({ line: open.line, text: Buffer.concat(open.parts) });
  return found;
}
