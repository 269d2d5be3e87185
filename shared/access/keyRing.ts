import { LRUCache } from "lru-cache";
import type { Clock } from "../runtime/clock.ts";
import type { AccessKey } from "./accessKey.ts";
import { isTextOf, keyIdIn } from "./keyText.ts";
import { RateLimit } from "./rateLimit.ts";

/** Strongly consistent; undefined for a key that was revoked or never existed. */
export interface KeySource {
  readKey(id: string): Promise<AccessKey | undefined>;
}

/**
 * A row is read again after this time, so a revoked key stops working within it everywhere. It counts from the beginning
 * of the read, which is strongly consistent. While the table fails, keys fail too: a revocation may not wait for it.
 */
export const KEY_CACHE_MILLIS = 30_000;

const CACHED_KEYS = 5_000;
const CACHED_UNKNOWN_IDS = 10_000;

/**
 * Reads of ids that this process has not seen as keys. Without this limit, a flood of invented keys would be a flood of
 * reads: each has another id, so no cache helps. Keys in use are not limited by it, however large the flood is.
 */
const NEW_IDS_PER_SECOND = 50;

export type Found =
  | { readonly kind: "key"; readonly key: AccessKey }
  | { readonly kind: "unknown" }
  /** Too many unknown keys are being tried, so this one could not be looked up. */
  | { readonly kind: "busy"; readonly retryAfterMillis: number };

interface Row {
  readonly key: AccessKey | undefined;
  readonly readAtEpochMillis: number;
}

/** The keys that one process has looked up. */
export class KeyRing {
  readonly #source: KeySource;
  readonly #clock: Pick<Clock, "nowEpochMillis">;
  /** Apart from the unknown ids, so that a flood of those pushes no key out. */
  readonly #keys = new LRUCache<string, Row>({ max: CACHED_KEYS });
  readonly #unknown = new LRUCache<string, Row>({ max: CACHED_UNKNOWN_IDS });
  readonly #reading = new Map<string, Promise<AccessKey | undefined>>();
  readonly #newIds = new RateLimit();

  constructor(source: KeySource, clock: Pick<Clock, "nowEpochMillis">) {
    this.#source = source;
    this.#clock = clock;
  }

  async find(text: string): Promise<Found> {
    const id = keyIdIn(text);
    if (id === undefined) return { kind: "unknown" };
    const cached = this.#keys.get(id) ?? this.#unknown.get(id);
    let key = cached?.key;
    if (cached === undefined || !this.#isFresh(cached)) {
      const isSeen = this.#keys.has(id) || this.#reading.has(id);
      const waitMillis = isSeen
        ? 0
        : this.#newIds.take("any", NEW_IDS_PER_SECOND, this.#clock.nowEpochMillis());
      if (waitMillis > 0) return { kind: "busy", retryAfterMillis: waitMillis };
      key = await this.#read(id);
    }
    return key !== undefined && isTextOf(key.hash, text) ? { kind: "key", key } : { kind: "unknown" };
  }

  #isFresh({ readAtEpochMillis }: Row): boolean {
    // A clock that was set back makes the age negative, and says nothing of it.
    return Math.abs(this.#clock.nowEpochMillis() - readAtEpochMillis) < KEY_CACHE_MILLIS;
  }

  /** Concurrent requests share one read. */
  #read(id: string): Promise<AccessKey | undefined> {
    const reading = this.#reading.get(id) ?? this.#load(id).finally(() => this.#reading.delete(id));
    this.#reading.set(id, reading);
    return reading;
  }

  async #load(id: string): Promise<AccessKey | undefined> {
    const readAtEpochMillis = this.#clock.nowEpochMillis();
    const key = await this.#source.readKey(id);
    const [holds, forgets] = key === undefined ? [this.#unknown, this.#keys] : [this.#keys, this.#unknown];
    holds.set(id, { key, readAtEpochMillis });
    forgets.delete(id);
    return key;
  }
}
