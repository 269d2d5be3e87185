import type { FunctionName } from "../../shared/aws/resources.ts";
import type { Settings } from "../../shared/runtime/settings.ts";

/** The load: every session gets every event of one feed. */
export interface Load {
  readonly eventsPerSecond: number;
  readonly sessions: number;
  /** Events in one append, or for the alternatives in one pre-batched message. */
  readonly eventsPerPage: number;
  readonly eventBytes: number;
  /** The response time of a webhook. */
  readonly webhookMillis: number;
  /** Whether the sessions' requests are compressed. */
  readonly isGzip: boolean;
  /** What becomes of freed pages: a setting of the stage. */
  readonly freeing: Settings["freeing"];
  /** The functions whose traces the stage records. */
  readonly tracedFunctions: readonly FunctionName[];
  /** How long ingest waits for others to share a page with (`RELAY_GATHER_SECONDS`), where events come from the FIFO queue. */
  readonly gatherSeconds?: number;
  /** The AMI gateway; absent for a stage without one. Its connections get every event, and are no webhook sessions. */
  readonly ami?: { readonly tasks: number; readonly connections: number } | undefined;
}

/** A month of 30 days. */
export const MONTH_SECONDS = 30 * 86_400;
export const MONTH_HOURS = 30 * 24;

export function eventsPerMonth(load: Pick<Load, "eventsPerSecond">): number {
  return load.eventsPerSecond * MONTH_SECONDS;
}

/** SQS, SNS and EventBridge bill messages in chunks of 64 KB. */
export function chunks(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 65_536));
}
