import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type AmiReadFilter, compileReadFilter } from "../ami/readFilter.ts";
import { FilterCostError } from "../errors.ts";
import { GAP_TYPE, hasForm, type Message, type MessageFormat } from "../queue/message.ts";

/** A session's filter. A message must pass every setting that is present. */
export interface SessionFilter extends AmiReadFilter {
  /** Stasis event types. */
  readonly types?: readonly string[] | undefined;
}

/** A session's compiled filter and format. */
export interface Selection {
  readonly format: MessageFormat;
  /**
   * A page can hold a message for the session only if it has one of these names; undefined when any page can. Notify
   * does not wake the session for other pages.
   */
  readonly interest: readonly string[] | undefined;
  /** Approximate memory. */
  readonly bytes: number;
  /** @throws FilterCostError when the filter takes too much time for the session's messages */
  wants(message: Message): boolean;
}

/** Memory of a filter beside its regular expressions and texts. */
const FILTER_BYTES = 4 * 1024;

/** Longer interests are not stored in the cursor's row, which is read and written with every page. */
const MAX_INTEREST_CHARACTERS = 2048;

/**
 * Compiles a filter. Gap messages pass every filter. A message without an AMI form has no class, so it passes no filter
 * on classes, names or AMI headers.
 * @throws EventFilterError when an event filter is malformed
 */
export function selectionOf(format: MessageFormat, filter: SessionFilter = {}): Selection {
  const { types, ...reading } = filter;
  const readsAmi = format === "ami" || Object.values(reading).some((setting) => setting !== undefined);
  const wantedTypes = types && new Set(types);
  const reader = readsAmi ? compileReadFilter(reading) : undefined;
  return {
    format,
    interest: shortList(types ?? reader?.interest),
    bytes: FILTER_BYTES + 2 * JSON.stringify(filter).length + (reader?.bytes ?? 0),
    wants: (message) =>
      hasForm(message, format) &&
      (message.type === GAP_TYPE ||
        ((wantedTypes === undefined || (message.type !== undefined && wantedTypes.has(message.type))) &&
          (reader === undefined || (message.ami !== undefined && reader.passes(message.ami))))),
  };
}

function shortList(names: readonly string[] | undefined): readonly string[] | undefined {
  const characters = names?.reduce((sum, name) => sum + name.length, 0) ?? 0;
  return characters > MAX_INTEREST_CHARACTERS ? undefined : names;
}

/** The memory that one process spends on filters. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Filters whose CPU time is remembered, also when they are no longer in memory. */
const KNOWN_ACCOUNTS = 10_000;

/**
 * Compiles each filter once for all turns and sessions that share it. Keeps the most recently used.
 * @param cpuMillis the CPU time that this thread has used
 */
export function selectionCache(cpuMillis: () => number, maxBytes = CACHE_BYTES): typeof selectionOf {
  const kept = new LRUCache<string, Selection>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => Math.ceil(bytes),
  });
  const accounts = new LRUCache<string, CpuAccount>({ max: KNOWN_ACCOUNTS });
  const accountOf = (key: string) => {
    const digest = hash("sha256", key);
    const account = accounts.get(digest) ?? new CpuAccount();
    accounts.set(digest, account);
    return account;
  };
  return (format, filter) => {
    const key = JSON.stringify([format, filter]);
    const account = filter?.eventFilters === undefined ? undefined : accountOf(key);
    account?.refuseOverdrawn();
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = selectionOf(format, filter);
    const selection = account === undefined ? made : withAccount(made, account, cpuMillis);
    kept.set(key, selection);
    return selection;
  };
}

/** CPU time that every filter may take: a process that has just started is slow. */
const FREE_MILLIS = 200;

/** Ordinary filters need a tenth of this. */
const MILLIS_PER_CHARACTER = 0.5 / 1024;

/** What a filter has cost. One that takes the process away from its other sessions is stopped. */
class CpuAccount {
  #spentMillis = 0;
  #characters = 0;

  add(millis: number, characters: number): void {
    this.#spentMillis += millis;
    this.#characters += characters;
  }

  /** @throws FilterCostError */
  refuseOverdrawn(): void {
    if (this.#spentMillis > Math.max(FREE_MILLIS, this.#characters * MILLIS_PER_CHARACTER))
      throw new FilterCostError(
        `${Math.round(this.#spentMillis)} ms for ${this.#characters} characters of AMI text; at most 0.5 ms for 1,024 characters`,
      );
  }
}

function withAccount(selection: Selection, account: CpuAccount, cpuMillis: () => number): Selection {
  return {
    ...selection,
    wants: (message) => {
      const startedAt = cpuMillis();
      const isWanted = selection.wants(message);
      account.add(cpuMillis() - startedAt, message.ami?.text.length ?? 0);
      account.refuseOverdrawn();
      return isWanted;
    },
  };
}
