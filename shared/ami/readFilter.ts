import type { AmiMessage } from "./amiMessage.ts";
import { classesIn, type EventClass, isReadable, readMask } from "./eventClass.ts";
import { compileEventFilters } from "./eventFilter.ts";

/** What a manager user or session may set of its reading. Each part that is there must let a message pass. */
export interface AmiReadFilter {
  /** Read classes: a text as in `read =` of manager.conf or in the Events action, or a list of classes. */
  readonly read?: string | readonly (EventClass | "all")[] | undefined;
  /** Event names, exact. */
  readonly events?: readonly string[] | undefined;
  /** Event filters, as in manager.conf. */
  readonly eventFilters?: readonly string[] | undefined;
}

export interface CompiledReadFilter {
  /** A page can hold something for the reader only if its names have one of these; undefined when any page may. */
  readonly interest: readonly string[] | undefined;
  /** Roughly the memory that its regular expressions take. */
  readonly bytes: number;
  /** @throws FilterCostError when judging the message would cost too much */
  passes(message: AmiMessage): boolean;
}

/**
 * Makes a read filter ready. What cannot be classified passes none, and an empty mask reads nothing.
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

/** What a page with this message has among its names. */
export function namesOf({ name, classes }: AmiMessage): readonly string[] {
  return [eventEntry(name), ...(classes?.length === 0 ? [NO_CLASS] : (classes ?? []).map(classEntry))];
}

/** Blanks keep these apart from Stasis types, which have none. */
const eventEntry = (name: string) => `event ${name}`;
const classEntry = (name: string) => `class ${name}`;
const NO_CLASS = "class ";
