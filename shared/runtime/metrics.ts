import type { MetricName } from "./metricNames.ts";

/** Counts and times for the operator. Names and units are in metricNames.ts. */
export interface Metrics {
  record(feed: string, values: Partial<Record<MetricName, number>>): void;
  /** Publishes everything recorded, once at the end of each invocation. */
  publish(): void;
}

export const silentMetrics: Metrics = { record: () => {}, publish: () => {} };

/** Wraps a handler so that its metrics are published after every event, even when the handler fails. */
export function publishing<Event, Result>(
  metrics: Pick<Metrics, "publish">,
  handle: (event: Event) => Promise<Result>,
): (event: Event) => Promise<Result> {
  return async (event) => {
    try {
      return await handle(event);
    } finally {
      metrics.publish();
    }
  };
}
