import { LRUCache } from "lru-cache";
import { type AmiReadFilter, compileReadFilter } from "../ami/readFilter.ts";
import { GAP_TYPE, hasForm, type Message, type MessageFormat } from "../queue/message.ts";

/** What a session wants: a message passes when each part that is there lets it pass. */
export interface SessionFilter extends AmiReadFilter {
  /** Stasis event types. */
  readonly types?: readonly string[] | undefined;
}

/** A session's filter and format, made ready to judge messages. */
export interface Selection {
  readonly format: MessageFormat;
  /**
   * Names of which a page must have one to hold something for the session (a page's `names`); undefined when any page
   * may. Notify leaves a session asleep that none of them concerns.
   */
  readonly interest: readonly string[] | undefined;
  wants(message: Message): boolean;
}

/**
 * Makes a filter ready. Gap messages pass every filter; a message that has no AMI form, and so no class, passes none
 * that asks for classes, names or AMI headers.
 * @throws EventFilterError when an event filter is malformed
 */
export function selectionOf(format: MessageFormat, filter: SessionFilter = {}): Selection {
  const { types, ...reading } = filter;
  const readsAmi = format === "ami" || Object.values(reading).some((part) => part !== undefined);
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

/** Filters that one process is likely to serve at the same time. */
const CACHED_SELECTIONS = 200;

/** Regexes are compiled once for all turns of the sessions that share a filter. Keeps the `size` used last. */
export function selectionCache(size = CACHED_SELECTIONS): typeof selectionOf {
  const kept = new LRUCache<string, Selection>({ max: size });
  return (format, filter) => {
    const key = JSON.stringify([format, filter]);
    const selection = kept.get(key) ?? selectionOf(format, filter);
    kept.set(key, selection);
    return selection;
  };
}
