import { compileEventFilters } from "../../shared/ami/eventFilter.ts";
import { EventFilterError } from "../../shared/errors.ts";

export type FilterRefusal = "did-not-compile" | "bad-format";

/**
 * The filter that `Action: Filter` adds, as a line of manager.conf, or why it is refused. It is checked together with
 * the session's other filters, whose limits count them all.
 * Asterisk: main/manager.c, `action_filter`, `manager_add_filter`.
 */
export function addedFilter(
  filters: readonly string[],
  criteria: string,
  pattern: string,
): { readonly filter: string } | { readonly refused: FilterRefusal } {
  const filter = lineOf(criteria, pattern);
  if (compiles([...filters, filter])) return { filter };
  // With a pattern that always compiles, what remains wrong is the format.
  const isPattern = !/^!?$/.test(pattern) && compiles([lineOf(criteria, "x")]);
  return { refused: isPattern ? "did-not-compile" : "bad-format" };
}

function lineOf(criteria: string, pattern: string): string {
  const name = criteria === "" ? "eventfilter" : `eventfilter(${criteria.replaceAll(";", "\\;")})`;
  return `${name} = ${pattern.replaceAll(";", "\\;")}`;
}

function compiles(filters: readonly string[]): boolean {
  try {
    compileEventFilters(filters);
    return true;
  } catch (error) {
    if (error instanceof EventFilterError) return false;
    throw error;
  }
}
