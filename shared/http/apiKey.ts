import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** Whether a caller's key is the management key. */
export type ApiKeyCheck = (key: string) => Promise<boolean>;

/** The management key as its store holds it. */
export interface ApiKeys {
  readonly current: string;
  readonly currentSinceEpochMillis: number;
  /** The key before the last rotation. */
  readonly previous?: string | undefined;
}

/** Every function reads the keys again after this, so that a rotation needs no deploy. */
const MAXIMUM_AGE_MILLIS = 300_000;

/** An unknown key may be a new one: then the keys are read again, but not more often than this. */
const MINIMUM_AGE_MILLIS = 10_000;

/** One key that stays as it is. */
export function fixedApiKey(apiKey: string): ApiKeyCheck {
  return async (key) => isSame(key, apiKey);
}

/**
 * A key that is rotated while the relay runs: the new one is accepted within seconds, and the one before it for
 * `overlapMillis` more, so that callers can be told one after another. While the store does not answer, the keys that
 * were read last hold.
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
      parts.log.warn("the management key could not be read again", { error });
      known = { ...known, readAtEpochMillis };
      return known.keys;
    }
  };
  const keysNotOlderThan = (millis: number): Promise<ApiKeys> => {
    // A clock that was set back makes the time since the read negative, and says nothing of it.
    if (known && Math.abs(parts.clock.nowEpochMillis() - known.readAtEpochMillis) <= millis)
      return Promise.resolve(known.keys);
    // Requests that come together share one read.
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const accepts = ({ current, currentSinceEpochMillis, previous }: ApiKeys, key: string): boolean => {
    const isOverlap = parts.clock.nowEpochMillis() - currentSinceEpochMillis < parts.overlapMillis;
    return isSame(key, current) || (previous !== undefined && isOverlap && isSame(key, previous));
  };

  return async (key) =>
    accepts(await keysNotOlderThan(MAXIMUM_AGE_MILLIS), key) ||
    accepts(await keysNotOlderThan(MINIMUM_AGE_MILLIS), key);
}

/** Digests are compared, in constant time and of equal length, so an answer's timing says nothing about the key. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
