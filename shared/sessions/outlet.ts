import type { Page } from "../queue/page.ts";
import type { Batch } from "./batch.ts";
import type { Cursor, DeliveryFailure } from "./cursor.ts";

/**
 * What a turn sends through: a webhook's endpoint, or any other way to a subscriber. The turn knows the row protocol and
 * nothing of endpoints; an outlet knows its endpoint and nothing of rows.
 */
export interface Outlet {
  /**
   * Cuts the next batch from consecutive pages, the first of which holds `cursor.next`. The batch must be a pure
   * function of the log, `cursor.next`, `cursor.batchLast` and the session's configuration: after a crash another
   * process sends the same messages under the same id. Undefined when there are no pages.
   * @throws EventFilterError, FilterCostError when the session's filter cannot be used
   */
  plan(cursor: Cursor, pages: readonly Page[]): Batch | undefined;
  /** Sends a batch that has messages. Whatever the endpoint does is an answer, never an exception. */
  send(cursor: Cursor, batch: Batch): Promise<OutletAnswer>;
}

/** What became of a batch, and what the row must say next. */
export type OutletAnswer =
  | { readonly kind: "accepted"; readonly lane: Cursor["lane"] }
  /** The request used up its lane's time. That is no failure: the slow lane sends the same batch again. */
  | { readonly kind: "outstayed" }
  | { readonly kind: "failed"; readonly failure: DeliveryFailure; readonly dueAtEpochMillis: number }
  /** No further attempt is made until a person resumes the session. */
  | { readonly kind: "given-up"; readonly failure: DeliveryFailure };
