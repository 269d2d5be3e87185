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
  /** Approximate memory. */
  readonly bytes: number;
  /** @throws FilterCostError when the message is too long for the filter's regular expressions */
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
