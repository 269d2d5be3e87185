import { RelayCallError } from "../client/relayCallError.ts";
import type { RelayClient } from "../client/relayClient.ts";

/** What a key may do, as far as harmless calls show it. */
export interface Ability {
  readonly reads: boolean;
  /** Makes and revokes keys: a manager of all feeds. */
  readonly managesKeys: boolean;
}

/** @throws RelayCallError when the key is wrong, or the relay does not answer */
export async function probeKey(client: RelayClient): Promise<Ability> {
  const reads = await isAllowed(() => client.listFeeds(1).next());
  const managesKeys = reads && (await isAllowed(() => client.listKeys(1).next()));
  return { reads, managesKeys };
}

async function isAllowed(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (error instanceof RelayCallError && error.status === 403) return false;
    throw error;
  }
}

export function abilityText({ reads, managesKeys }: Ability): string {
  if (managesKeys) return "may do everything";
  return reads
    ? "reads feeds and sessions, and manages them if its role is manager"
    : "appends events, and reads nothing";
}
