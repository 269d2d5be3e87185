import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { AmiMessage } from "../ami/amiMessage.ts";
import { readAmi } from "../ami/amiParser.ts";
import { readAmiText } from "../ami/amiText.ts";
import { namesOf } from "../ami/readFilter.ts";
import { PageUnreadableError } from "../errors.ts";
import type { Message } from "./message.ts";
import type { Page, StoredPage } from "./page.ts";
import type { Sequence } from "./sequence.ts";

/**
 * The page body, compressed with zstd. Its first line lists the Stasis types and maps each message to its type. Two
 * lines per message follow: its JSON, and its AMI text with NUL for each line end (empty when it has no AMI text).
 */
const PAGE_CODEC = "zstd-lines-2";

/**
 * Every reader can unpack every level. A page is compressed once and paid by its size: when it is put, read, kept and
 * deleted. Measured on recorded calls with 50 events per page: level 9 needs 54 bytes per event and 0.29 ms per page,
 * level 3 needs 69 and 0.10 ms. Level 12 saves half a byte more, for five times the time.
 */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 9 } };

/**
 * The same, where the first line also says which messages have AMI text that is not UTF-8, and the charset each was read
 * in. Their AMI text is stored as bytes, one character for each. Only pages with such messages have this codec, so
 * that during an update the older functions can read all other pages.
 */
const RAW_PAGE_CODEC = "zstd-lines-3";

/** The largest unpacked body. With names and producers, the item stays below DynamoDB's 400 KB. */
export const MAX_PAGE_TEXT_BYTES = 256 * 1024;
export const MAX_PAGE_MESSAGES = 500;

/** Room for the first line: at most 500 names of 128 characters, each up to 6 bytes when escaped. */
const MAX_BODY_BYTES = MAX_PAGE_TEXT_BYTES + 512 * 1024;

export type EncodedPage = Pick<StoredPage, "count" | "names" | "codec" | "checksum" | "body">;

export function encodePage(messages: readonly Message[]): EncodedPage {
  const types = [...new Set(messages.flatMap(({ type }) => type ?? []))];
  const numberOfType = new Map(types.map((type, number) => [type, number]));
  const typeNumbers = messages.map(({ type }) => (type === undefined ? -1 : (numberOfType.get(type) ?? -1)));
  const charsets = messages.flatMap(({ ami }, index) =>
    ami?.raw ? [[index, ami.raw.charset] as const] : [],
  );
  const lines = [JSON.stringify({ types, typeNumbers, ...(charsets.length > 0 && { charsets }) })];
  for (const { text, ami } of messages)
    lines.push(text, (ami?.raw?.latin1 ?? ami?.text ?? "").replaceAll("\r\n", "\0"));
  const names = [...new Set([...types, ...messages.flatMap(({ ami }) => (ami ? namesOf(ami) : []))])];
  const text = Buffer.from(lines.join("\n"));
  // zstd takes memory for as much as it is told, and for far more when it is told nothing.
  const body = zstdCompressSync(text, { ...LEVEL, pledgedSrcSize: text.length });
  const codec = charsets.length > 0 ? RAW_PAGE_CODEC : PAGE_CODEC;
  return { count: messages.length, names, codec, checksum: crc32(body), body };
}

/** @throws PageUnreadableError when the body has changed since it was written, or the codec is another version */
export function decodePage(feed: string, stored: StoredPage): Page {
  const facts = { feed, first: stored.first, codec: stored.codec };
  if (stored.codec !== PAGE_CODEC && stored.codec !== RAW_PAGE_CODEC)
    throw new PageUnreadableError("the page's codec is unknown", facts);
  if (crc32(stored.body) !== stored.checksum)
    throw new PageUnreadableError("the page does not match its checksum", facts);
  const unpacked = unpack(stored.body, facts);
  const [firstLine = "", ...lines] = unpacked.toString("utf8").split("\n");
  const { types, typeNumbers, charsets = [] } = JSON.parse(firstLine) as PageHead;
  const charsetOf = new Map(charsets);
  if (lines.length !== 2 * stored.count || typeNumbers.length !== stored.count)
    throw new PageUnreadableError("the page does not hold as many messages as it says", facts);
  return {
    first: stored.first,
    count: stored.count,
    names: stored.names,
    appendedAtEpochMillis: stored.appendedAtEpochMillis,
    messages: typeNumbers.map((number, index) => {
      const [text = "", ami = ""] = lines.slice(2 * index, 2 * index + 2);
      return {
        type: types[number],
        text,
        ami: ami === "" ? undefined : readStoredAmi(ami.replaceAll("\0", "\r\n"), charsetOf.get(index)),
      };
    }),
    textBytes: unpacked.length,
  };
}

/** The first line of a body. */
interface PageHead {
  readonly types: readonly string[];
  /** Per message; -1 for one without a type. */
  readonly typeNumbers: readonly number[];
  readonly charsets?: readonly (readonly [message: number, charset: string])[];
}

function readStoredAmi(stored: string, charset: string | undefined): AmiMessage {
  return readAmi(charset === undefined ? stored : readAmiText(stored, charset));
}

function unpack(body: Uint8Array, facts: { feed: string; first: Sequence; codec: string }): Buffer {
  try {
    return zstdDecompressSync(body, { maxOutputLength: MAX_BODY_BYTES });
  } catch (cause) {
    throw new PageUnreadableError("the page's body cannot be unpacked", facts, cause);
  }
}
