import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** Whether a caller's key is the management key. */
export type ApiKeyCheck = (key: string) => Promise<boolean>;

/** The management key as stored. */
export interface ApiKeys {
  readonly current: string;
  readonly currentSinceEpochMillis: number;
  /** The key before the last rotation. */
  readonly previous?: string | undefined;
}

/** Every function reads the keys again after this time, so a rotation needs no deploy. */
const MAXIMUM_AGE_MILLIS = 300_000;

/** An unknown key may be a new one, so the keys are read again, but not more often than this. */
const MINIMUM_AGE_MILLIS = 10_000;

/** A check against one key that never changes. */
export function fixedApiKey(apiKey: string): ApiKeyCheck {
  return async (key) => isSame(key, apiKey);
}

/**
 * A check against a key that may be rotated while the relay runs. The new key is accepted within seconds. The previous
 * key is accepted for another `overlapMillis`, so callers can change over one by one. While the store fails, the keys
 * of the last read stay valid.
 */
export function rotatingApiKey(parts: {
  readKeys(): Promise<ApiKeys>;
  readonly overlapMillis: number;
  readonly clock: Clock;
  readonly log: Log;
}): ApiKeyCheck {
  let known: { keys: ApiKeys; readAtEpochMillis: number } | undefined;
  let reading: Promise<ApiKeys> | undefined;

  const read = async (): Promise<ApiKeys> => {
    const readAtEpochMillis = parts.clock.nowEpochMillis();
    try {
      const keys = await parts.readKeys();
      known = { keys, readAtEpochMillis };
      return keys;
    } catch (error) {
      if (known === undefined) throw error;
      parts.log.warn("the management key could not be refreshed; the last one stays valid", { error });
      known = { ...known, readAtEpochMillis };
      return known.keys;
    }
  };
  const keysNotOlderThan = (millis: number): Promise<ApiKeys> => {
    // A clock that was set back makes the time since the read negative, and says nothing of it.
    if (known && Math.abs(parts.clock.nowEpochMillis() - known.readAtEpochMillis) <= millis)
      return Promise.resolve(known.keys);
    // Concurrent requests share one read.
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const accepts = ({ current, currentSinceEpochMillis, previous }: ApiKeys, key: string): boolean => {
    // A clock that was set back does not make the overlap longer: a rotation further ahead than that is long ago.
    const isOverlap = Math.abs(parts.clock.nowEpochMillis() - currentSinceEpochMillis) < parts.overlapMillis;
    return isSame(key, current) || (previous !== undefined && isOverlap && isSame(key, previous));
  };

  return async (key) =>
    accepts(await keysNotOlderThan(MAXIMUM_AGE_MILLIS), key) ||
    accepts(await keysNotOlderThan(MINIMUM_AGE_MILLIS), key);
}

/** Compares digests of equal length in constant time, so the response time reveals nothing about the key. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
