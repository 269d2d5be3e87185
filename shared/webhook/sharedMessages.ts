import { LRUCache } from "lru-cache";
import { type MessageFormat, type NumberedMessage, renderMessages } from "../queue/message.ts";
import { deflateEnd } from "./gzip.ts";

/** About 200 bodies of 50 messages: the sessions of a process that follow a feed are rarely further apart. */
const CACHE_BYTES = 8 * 1024 * 1024;

/** Memory of an entry beside its key and its bytes. */
const ENTRY_BYTES = 512;

/** What a body has in common with those of other sessions: everything from the list of messages to the end. */
export interface BodyEnd {
  /** UTF-8. */
  readonly json: Uint8Array;
  /** Present when it was asked for. */
  readonly deflated: Uint8Array | undefined;
}

/**
 * Renders, and compresses, the same messages once for all sessions of a process.
 *
 * The key of an entry is the feed, the format and the number of every message in it. A feed's message never changes, so
 * these decide the bytes: sessions with different filters share an entry exactly when they are sent the same messages.
 * The relay's own messages to one session are not in the feed, so they must not be looked up here.
 */
export class SharedMessages {
  readonly #cache: LRUCache<string, Uint8Array>;
  readonly #compressing = new Map<string, Promise<Uint8Array>>();

  constructor(maxBytes = CACHE_BYTES) {
    this.#cache = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (bytes, key) => bytes.length + 2 * key.length + ENTRY_BYTES,
    });
  }

  /** @param messages of the feed, ascending */
  async endOf(
    feed: string,
    messages: readonly NumberedMessage[],
    format: MessageFormat,
    isCompressed: boolean,
  ): Promise<BodyEnd> {
    const key = `${format} ${feed} ${runsOf(messages)}`;
    const json = this.#cache.get(key) ?? this.#keep(key, renderEnd(messages, format));
    return { json, deflated: isCompressed ? await this.#deflatedOf(`deflated ${key}`, json) : undefined };
  }

  /** Sessions that ask at the same time share one compression. */
  async #deflatedOf(key: string, json: Uint8Array): Promise<Uint8Array> {
    const known = this.#cache.get(key) ?? this.#compressing.get(key);
    if (known !== undefined) return known;
    const compressing = deflateEnd(json)
      .then((deflated) => this.#keep(key, deflated))
      .finally(() => this.#compressing.delete(key));
    this.#compressing.set(key, compressing);
    return compressing;
  }

  #keep(key: string, bytes: Uint8Array): Uint8Array {
    this.#cache.set(key, bytes);
    return bytes;
  }
}

/** The end of a body that no other session is sent. */
export async function ownEnd(
  messages: readonly NumberedMessage[],
  format: MessageFormat,
  isCompressed: boolean,
): Promise<BodyEnd> {
  const json = renderEnd(messages, format);
  return { json, deflated: isCompressed ? await deflateEnd(json) : undefined };
}

const encoder = new TextEncoder();

/** Not with `Buffer.from`: a small buffer is a piece of a pool, and would keep all of it in memory. */
function renderEnd(messages: readonly NumberedMessage[], format: MessageFormat): Uint8Array {
  return encoder.encode(`${renderMessages(messages, format)}}`);
}

/** The numbers of the messages, each run of consecutive ones as its first and last: `4-6,9-9`. */
function runsOf(messages: readonly NumberedMessage[]): string {
  const runs: string[] = [];
  let first = messages[0]?.sequence ?? 0;
  for (const [index, { sequence }] of messages.entries()) {
    const following = messages[index + 1]?.sequence;
    if (following === sequence + 1) continue;
    runs.push(`${first}-${sequence}`);
    first = following ?? 0;
  }
  return runs.join(",");
}
