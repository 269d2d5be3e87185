import { PositionConflictError } from "../../shared/errors.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { EventOrRefusal } from "../../shared/stasis/event.ts";
import type { Step, Submission } from "./appendPlan.ts";

/** A refused event, by its index in the submission. */
export interface RefusedEvent {
  readonly index: number;
  readonly error: string;
}

/** The result of one submission. A number is null when its message was freed since. */
export interface AppendResult {
  readonly first: Sequence | null;
  readonly last: Sequence | null;
  /** Events appended by this request. */
  readonly accepted: number;
  /** Events recognised as appended by an earlier request. */
  readonly duplicates: number;
  readonly refused: readonly RefusedEvent[];
}

export function refusedOf(events: readonly EventOrRefusal[]): RefusedEvent[] {
  return events.flatMap((item, index) => ("error" in item ? [{ index, error: item.error }] : []));
}

/**
 * The result of one submission, from the steps of all its pages.
 * @param originalNumberOf finds the original number of a recognised event
 */
export async function resultOf(
  feed: string,
  submission: Submission,
  steps: readonly Step[],
  originalNumberOf: (index: number) => Promise<Sequence | undefined>,
): Promise<AppendResult | PositionConflictError> {
  const { producer, events } = submission;
  const conflict = steps.find((step) => step.conflict)?.conflict;
  if (conflict && producer) return new PositionConflictError({ feed, producer: producer.id, ...conflict });
  const duplicates = steps.flatMap((step) => step.duplicates);
  const appended = steps.filter((step) => step.first !== undefined);
  // Duplicates come before new events: a producer's positions only grow.
  const [oldFirst, oldLast] = [duplicates[0], duplicates.at(-1)];
  const first = oldFirst === undefined ? appended[0]?.first : await originalNumberOf(oldFirst);
  const last = appended.at(-1)?.last ?? (oldLast === undefined ? undefined : await originalNumberOf(oldLast));
  return {
    first: first ?? null,
    last: last ?? null,
    accepted: steps.reduce((sum, step) => sum + step.accepted, 0),
    duplicates: duplicates.length,
    refused: refusedOf(events),
  };
}
