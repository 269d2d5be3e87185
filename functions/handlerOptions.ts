import type { ConsoleAssets } from "../console/server/assets.ts";
import type { AwsClients } from "../shared/aws/clients.ts";
import type { FeedAdvances } from "../shared/queue/feedAdvances.ts";
import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import type { Metrics } from "../shared/runtime/metrics.ts";
import type { WebhookClient } from "../shared/webhook/webhookClient.ts";

/** Options that a host other than AWS Lambda (the local runner, a test) may pass to a function's `createHandler`. */
export interface HandlerOptions {
  readonly clients?: AwsClients;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** Replaces the guarded HTTP client, so that a test can decide when a request arrives. */
  readonly webhook?: Pick<WebhookClient, "post">;
  /** Instead of those that were built beside the api function. */
  readonly consoleAssets?: ConsoleAssets;
  /**
   * The host passes one process several events at the same time. AWS never does, so there an append over HTTP would wait
   * in vain for another one to share its page with.
   */
  readonly hasManyEventsAtOnce?: true;
  /** Aborted when the host stops: lingering ends and no further turn begins. */
  readonly stopping?: AbortSignal;
  /** Ingest tells deliver of each page, where both run in one process. */
  readonly advances?: FeedAdvances;
}
