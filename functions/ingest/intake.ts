import { PositionConflictError } from "../../shared/errors.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { Submission } from "./appendPlan.ts";
import { type AppendResult, type RefusedEvent, refusedOf } from "./appendResult.ts";
import type { GroupCommit } from "./groupCommit.ts";

export type IntakeResult =
  | { readonly kind: "appended"; readonly result: AppendResult }
  /** No event of the submission can be accepted. */
  | { readonly kind: "refused"; readonly refused: readonly RefusedEvent[] }
  /** The submission contradicts its producer's earlier positions and was refused as a whole. */
  | { readonly kind: "conflict"; readonly error: PositionConflictError };

/** The way into the queue for HTTP and SQS: appends the acceptable events and counts the refused ones. */
export class Intake {
  readonly #commit: Pick<GroupCommit, "append">;
  readonly #metrics: Pick<Metrics, "record">;

  constructor(commit: Pick<GroupCommit, "append">, metrics: Pick<Metrics, "record">) {
    this.#commit = commit;
    this.#metrics = metrics;
  }

  /**
   * Returns one result per submission, in order.
   * @param options `atOnce`: does not wait for others to share a page with
   */
  async submit(
    feed: string,
    submissions: readonly Submission[],
    options?: { atOnce: boolean },
  ): Promise<IntakeResult[]> {
    const refused = submissions.map(({ events }) => refusedOf(events));
    for (const each of refused) this.#count(feed, each.length);
    const isAcceptable = ({ events }: Submission, index: number) =>
      events.length > (refused[index]?.length ?? 0);
    const acceptable = submissions.filter(isAcceptable);
    const appended = acceptable.length > 0 ? await this.#commit.append(feed, acceptable, options) : [];
    const results = new Map(acceptable.map((submission, index) => [submission, appended[index]]));
    return submissions.map((submission, index) => {
      const result = results.get(submission);
      const refusedEvents = refused[index] ?? [];
      if (result === undefined) return { kind: "refused", refused: refusedEvents };
      if (!(result instanceof PositionConflictError)) return { kind: "appended", result };
      this.#count(feed, submission.events.length - refusedEvents.length);
      return { kind: "conflict", error: result };
    });
  }

  #count(feed: string, events: number): void {
    this.#metrics.record(feed, { RefusedEvents: events });
  }
}
