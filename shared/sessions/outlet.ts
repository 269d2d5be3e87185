import type { Page } from "../queue/page.ts";
import type { Batch } from "./batch.ts";
import type { Cursor, DeliveryFailure } from "./cursor.ts";

/**
 * The way from a turn to a subscriber, such as a webhook's endpoint. The turn knows the row protocol and nothing about
 * endpoints. An outlet knows its endpoint and nothing about rows.
 */
export interface Outlet {
  /**
   * Cuts the next batch from consecutive pages, the first of which holds `cursor.next`. The batch must be a pure
   * function of the pages, `cursor.next`, `cursor.batchLast` and the session's configuration, so that after a crash
   * another process sends the same messages with the same id. Undefined when there are no pages.
   * @throws EventFilterError, FilterCostError when the session's filter cannot be used
   * @throws FilterBusyError when it can be used later
   */
  plan(cursor: Cursor, pages: readonly Page[]): Promise<Batch | undefined>;
  /** Sends a batch that has messages. Every behaviour of the endpoint is an answer, never an exception. */
  send(cursor: Cursor, batch: Batch): Promise<OutletAnswer>;
}

/** The result of sending a batch, with the values for the row. */
export type OutletAnswer =
  | { readonly kind: "accepted"; readonly lane: Cursor["lane"] }
  /** The request timed out in the fast lane. That is not a failure: the slow lane retries the same batch. */
  | { readonly kind: "outstayed" }
  | { readonly kind: "failed"; readonly failure: DeliveryFailure; readonly dueAtEpochMillis: number }
  /** No further attempt is made until a person resumes the session. */
  | { readonly kind: "given-up"; readonly failure: DeliveryFailure };
