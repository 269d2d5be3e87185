import type { ClassMask } from "../../shared/ami/eventClass.ts";
import type { Message } from "../../shared/queue/message.ts";
import type { selectionOf } from "../../shared/sessions/selection.ts";

/**
 * What a connection sees of its feed. Connections with the same key share the bytes of a page: they are built once,
 * however many connections there are.
 */
export interface View {
  readonly key: string;
  readonly sequenceHeader: boolean;
  /** False when the session has turned events off. */
  readonly tellsGaps: boolean;
  /** @throws FilterCostError when the filters take too much time */
  wants(message: Message): boolean;
}

export interface ViewSettings {
  /** Zero when the session has turned events off: then it gets none, gaps included. */
  readonly mask: ClassMask;
  readonly filters: readonly string[];
  readonly sequenceHeader: boolean;
}

/** @throws EventFilterError, FilterCostError when the filters cannot be used */
export function viewOf({ mask, filters, sequenceHeader }: ViewSettings, compile: typeof selectionOf): View {
  const key = JSON.stringify([mask, filters, sequenceHeader]);
  if (mask === 0) return { key, sequenceHeader, tellsGaps: false, wants: () => false };
  const eventFilters = filters.length > 0 ? { eventFilters: filters } : {};
  const selection = compile("ami", { read: String(mask), ...eventFilters });
  return { key, sequenceHeader, tellsGaps: true, wants: (message) => selection.wants(message) };
}
