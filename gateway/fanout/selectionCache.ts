import { LRUCache } from "lru-cache";
import { CpuAccount } from "../../shared/sessions/cpuAccount.ts";
import { type Selection, selectionOf } from "../../shared/sessions/selection.ts";

/** The memory that one process spends on filters. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Filters whose CPU time is remembered, also when they are no longer in memory. */
const KNOWN_ACCOUNTS = 10_000;

/**
 * Compiles each filter once for all connections that share it, and stops one that takes too much CPU time for its text.
 * @param cpuMillis the CPU time that this thread has used
 */
export function selectionCache(cpuMillis: () => number): typeof selectionOf {
  const kept = new LRUCache<string, Selection>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ bytes }) => Math.ceil(bytes),
  });
  const accounts = new LRUCache<string, CpuAccount>({ max: KNOWN_ACCOUNTS });
  return (format, filter) => {
    const key = JSON.stringify([format, filter]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = selectionOf(format, filter);
    const account = accounts.get(key) ?? new CpuAccount();
    accounts.set(key, account);
    const selection = filter?.eventFilters === undefined ? made : withAccount(made, account, cpuMillis);
    kept.set(key, selection);
    return selection;
  };
}

function withAccount(selection: Selection, account: CpuAccount, cpuMillis: () => number): Selection {
  return {
    ...selection,
    wants: (message) => {
      account.refuseOverdrawn();
      const startedAt = cpuMillis();
      try {
        return selection.wants(message);
      } finally {
        account.add(cpuMillis() - startedAt, message.ami?.text.length ?? 0);
      }
    },
  };
}
