/**
 * What the bridge must know after a restart: the channels and bridges that were alive, Asterisk's start time, an open
 * gap. Stored in the transaction of the records that changed it, so it always fits what the feed got. null removes a key.
 */
export type MemoryChanges = ReadonlyMap<string, string | null>;
