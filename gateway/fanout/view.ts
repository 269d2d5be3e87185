import type { ClassMask } from "../../shared/ami/eventClass.ts";
import type { Message } from "../../shared/queue/message.ts";
import type { Judge, JudgeMaker } from "../../shared/sessions/judge.ts";
import { selectionOf } from "../../shared/sessions/selection.ts";

/**
 * What a connection sees of its feed. Connections with the same key share the bytes of a page: they are built once,
 * however many connections there are.
 */
export type View = PlainView | JudgedView;

interface AnyView {
  readonly key: string;
  readonly sequenceHeader: boolean;
  /** False when the session has turned events off. */
  readonly tellsGaps: boolean;
}

/** Looks up the message's class, so it takes no time worth counting. */
export interface PlainView extends AnyView {
  readonly kind: "plain";
  wants(message: Message): boolean;
}

/** Has regular expressions, which may take long: a page is judged in slices, between everything else. */
export interface JudgedView extends AnyView {
  readonly kind: "judged";
  readonly judge: Judge;
}

export interface ViewSettings {
  readonly feed: string;
  /** Zero when the session has turned events off: then it gets none, gaps included. */
  readonly mask: ClassMask;
  readonly filters: readonly string[];
  readonly sequenceHeader: boolean;
}

export function viewOf({ feed, mask, filters, sequenceHeader }: ViewSettings, judgeOf: JudgeMaker): View {
  const key = JSON.stringify([mask, filters, sequenceHeader]);
  if (mask === 0) return { kind: "plain", key, sequenceHeader, tellsGaps: false, wants: () => false };
  const read = String(mask);
  if (filters.length === 0) {
    const { wants } = selectionOf("ami", { read });
    return { kind: "plain", key, sequenceHeader, tellsGaps: true, wants };
  }
  const judge: Judge = async (page) => (await judgeOf(feed, "ami", { read, eventFilters: filters }))(page);
  return { kind: "judged", key, sequenceHeader, tellsGaps: true, judge };
}
