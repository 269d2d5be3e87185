import type { AmiMessage } from "./amiMessage.ts";
import { classesIn, type EventClass, isReadable, readMask } from "./eventClass.ts";
import { compileEventFilters } from "./eventFilter.ts";

/** The read settings of a manager user or session. A message must pass every one that is set. */
export interface AmiReadFilter {
  /** Read classes: text as in `read =` of manager.conf or in the Events action, or a list of classes. */
  readonly read?: string | readonly (EventClass | "all")[] | undefined;
  /** Exact event names. */
  readonly events?: readonly string[] | undefined;
  /** Event filters, as in manager.conf. */
  readonly eventFilters?: readonly string[] | undefined;
}

export interface CompiledReadFilter {
  /** A page can hold a message for the reader only if it has one of these names; undefined when any page can. */
  readonly interest: readonly string[] | undefined;
  /** Approximate memory of the regular expressions. */
  readonly bytes: number;
  /** @throws FilterCostError when the message is too long for the regular expressions */
  passes(message: AmiMessage): boolean;
}

/**
 * Compiles a read filter. A message of unknown class passes no filter, and an empty mask lets nothing pass.
 * @throws EventFilterError when an event filter is malformed
 */
export function compileReadFilter({ read, events, eventFilters = [] }: AmiReadFilter): CompiledReadFilter {
  const mask = read === undefined ? undefined : (readMask([read].flat().join(",")) ?? 0);
  const wanted = events && new Set(events);
  const filters = compileEventFilters(eventFilters);
  const names = filters.names?.filter((name) => wanted?.has(name) ?? true) ?? events;
  const classes = mask === undefined ? undefined : classesIn(mask);
  return {
    interest: names?.map(eventEntry) ?? classes?.map(classEntry).concat(NO_CLASS),
    bytes: filters.bytes,
    passes: (message) =>
      message.classes !== undefined &&
      (mask === undefined || isReadable(message.classes, mask)) &&
      (wanted === undefined || wanted.has(message.name)) &&
      filters.passes(message),
  };
}

/** The names that this message adds to its page. */
export function namesOf({ name, classes }: AmiMessage): readonly string[] {
  return [eventEntry(name), ...(classes?.length === 0 ? [NO_CLASS] : (classes ?? []).map(classEntry))];
}

/** The space keeps these names apart from Stasis types, which contain none. */
const eventEntry = (name: string) => `event ${name}`;
const classEntry = (name: string) => `class ${name}`;
const NO_CLASS = "class ";
