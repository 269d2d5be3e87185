import { LRUCache } from "lru-cache";
import { type AmiReadFilter, compileReadFilter } from "../ami/readFilter.ts";
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
  wants(message: Message): boolean;
}

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
    interest: types ?? reader?.interest,
    wants: (message) =>
      message.type === GAP_TYPE ||
      (hasForm(message, format) &&
        (wantedTypes === undefined || (message.type !== undefined && wantedTypes.has(message.type))) &&
        (reader === undefined || (message.ami !== undefined && reader.passes(message.ami)))),
  };
}

/** The filters that one process is likely to serve at the same time. */
const CACHED_SELECTIONS = 200;

/** Compiles each filter once for all turns and sessions that share it. Keeps the `size` most recently used. */
export function selectionCache(size = CACHED_SELECTIONS): typeof selectionOf {
  const kept = new LRUCache<string, Selection>({ max: size });
  return (format, filter) => {
    const key = JSON.stringify([format, filter]);
    const selection = kept.get(key) ?? selectionOf(format, filter);
    kept.set(key, selection);
    return selection;
  };
}
