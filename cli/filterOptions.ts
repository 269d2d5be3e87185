import type { Command } from "commander";
import type { Filter } from "../client/types.ts";
import { names, repeated } from "./options.ts";

export interface FilterOptions {
  readonly type?: readonly string[];
  readonly read?: string;
  readonly event?: readonly string[];
  readonly eventFilter?: readonly string[];
}

/** The options that say which messages a session gets. */
export function withFilterOptions(command: Command): Command {
  return command
    .optionsGroup("Which messages (those that pass all of these):")
    .option("--type <names>", "Stasis event types, with commas; may be repeated", names)
    .option("--read <classes>", "AMI read classes, as in manager.conf: call,user")
    .option("--event <names>", "AMI event names, with commas; may be repeated", names)
    .option("--event-filter <expression>", "an AMI event filter; may be repeated", repeated)
    .optionsGroup("Options:");
}

/** @returns undefined when no option says anything */
export function filterOf({ type, read, event, eventFilter }: FilterOptions): Filter | undefined {
  const filter = {
    ...(type && { types: type }),
    ...(read !== undefined && { read }),
    ...(event && { events: event }),
    ...(eventFilter && { eventFilters: eventFilter }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** A filter as people read it; `everything` without one. */
export function filterText(filter: Filter | null): string {
  if (filter === null) return "everything";
  const { types, read, events, eventFilters } = filter;
  return [
    types && `types ${types.join(",")}`,
    read !== undefined && `read ${[read].flat().join(",")}`,
    events && `events ${events.join(",")}`,
    eventFilters && `event filters ${eventFilters.map((line) => `'${line}'`).join(" ")}`,
  ]
    .filter(Boolean)
    .join("; ");
}
