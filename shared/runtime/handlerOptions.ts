import type { AwsClients } from "../aws/clients.ts";
import type { WebhookClient } from "../webhook/webhookClient.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** What a host other than AWS Lambda (the local runner, a test) may hand to a function's `createHandler`. */
export interface HandlerOptions {
  readonly clients?: AwsClients;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** In place of the guarded HTTP client, so that a test can decide when a request arrives. */
  readonly webhook?: Pick<WebhookClient, "post">;
  /** Aborts when the host wants to stop: lingering ends and no further turn begins. */
  readonly stopping?: AbortSignal;
}
