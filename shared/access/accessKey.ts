/** `manager`: everything. `producer`: appends events. `reader`: reads feeds, messages and sessions. */
export const ROLES = ["manager", "producer", "reader"] as const;

export type Role = (typeof ROLES)[number];

/** A key as it is stored: without the key's text, which only its holder has. */
export interface AccessKey {
  readonly id: string;
  /** SHA-256 of the key's text, in hexadecimal (`keyText.ts`). */
  readonly hash: string;
  readonly name: string;
  readonly role: Role;
  readonly feeds: readonly string[];
  /** The key's rate limit in each process of the relay. */
  readonly requestsPerSecond: number;
  readonly createdAtEpochMillis: number;
}
