import { compileEventFilters } from "../ami/eventFilter.ts";
import { compileReadFilter } from "../ami/readFilter.ts";
import { GAP_TYPE, hasForm, type Message, type MessageFormat } from "../queue/message.ts";
import type { SessionFilter } from "./selection.ts";

/** The part of a session's settings that a message does not pass. */
export interface Rejection {
  /** `form`: the message has no Stasis form, or no AMI form. `class`: its AMI event has no known class. */
  readonly part: "form" | "class" | "types" | "read" | "events" | "eventFilters";
  /** The event filter that excludes it; absent when no including filter matches. */
  readonly line?: string | undefined;
}

/**
 * Why a session does not get a message: the first part of its filter that the message does not pass; undefined when it
 * passes all, as `selectionOf` decides.
 * @throws EventFilterError, FilterCostError as the selection does
 */
export function rejectionOf(
  message: Message,
  format: MessageFormat,
  filter: SessionFilter = {},
): Rejection | undefined {
  const { types, read, events, eventFilters = [] } = filter;
  if (!hasForm(message, format)) return { part: "form" };
  if (message.type === GAP_TYPE) return undefined;
  if (types !== undefined && (message.type === undefined || !types.includes(message.type)))
    return { part: "types" };
  if (format !== "ami" && [read, events, filter.eventFilters].every((part) => part === undefined))
    return undefined;
  const { ami } = message;
  if (ami === undefined) return { part: "form" };
  if (!compileReadFilter({}).passes(ami)) return { part: "class" };
  if (!compileReadFilter({ read }).passes(ami)) return { part: "read" };
  if (!compileReadFilter({ events }).passes(ami)) return { part: "events" };
  const filters = compileEventFilters(eventFilters);
  if (filters.passes(ami)) return undefined;
  return { part: "eventFilters", line: filters.excludedBy(ami) };
}
