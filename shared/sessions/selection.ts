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
      message.type === GAP_TYPE ||
      (hasForm(message, format) &&
        (wantedTypes === undefined || (message.type !== undefined && wantedTypes.has(message.type))) &&
        (reader === undefined || (message.ami !== undefined && reader.passes(message.ami)))),
  };
}

function shortList(names: readonly string[] | undefined): readonly string[] | undefined {
  const characters = names?.reduce((sum, name) => sum + name.length, 0) ?? 0;
  return characters > MAX_INTEREST_CHARACTERS ? undefined : names;
}

/** The memory that one process spends on filters. */
const CACHE_BYTES = 32 * 1024 * 1024;

/**
 * Compiles each filter once for all turns and sessions that share it. Keeps the most recently used.
 * @param cpuMillis the CPU time that this thread has used
 */
export function selectionCache(cpuMillis: () => number, maxBytes = CACHE_BYTES): typeof selectionOf {
  const kept = new LRUCache<string, Selection>({
    maxSize: maxBytes,
    sizeCalculation: ({ bytes }) => Math.ceil(bytes),
  });
  return (format, filter) => {
    const key = JSON.stringify([format, filter]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = selectionOf(format, filter);
    const selection = filter?.eventFilters === undefined ? made : withinItsShare(made, cpuMillis);
    kept.set(key, selection);
    return selection;
  };
}

/** CPU time that every filter may take, so that a process that has just started judges none. */
const FREE_MILLIS = 500;

/** Ordinary filters need a hundredth of this. */
const MILLIS_PER_CHARACTER = 2 / 1024;

/** Stops a filter that takes the process away from its other sessions. */
function withinItsShare(selection: Selection, cpuMillis: () => number): Selection {
  let spentMillis = 0;
  let characters = 0;
  return {
    ...selection,
    wants: (message) => {
      const startedAt = cpuMillis();
      const isWanted = selection.wants(message);
      spentMillis += cpuMillis() - startedAt;
      characters += message.ami?.text.length ?? 0;
      if (spentMillis > Math.max(FREE_MILLIS, characters * MILLIS_PER_CHARACTER))
        throw new FilterCostError(
          `${Math.round(spentMillis)} ms for ${characters} characters of AMI text; at most 2 ms for 1,024 characters`,
        );
      return isWanted;
    },
  };
}
