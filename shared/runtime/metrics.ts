import type { MetricName } from "./metricNames.ts";

/** What the relay counts and times for an operator; names and units are in metricNames.ts. */
export interface Metrics {
  record(feed: string, values: Partial<Record<MetricName, number>>): void;
  /** Hands over what was recorded; once at the end of each invocation. */
  publish(): void;
}

export const silentMetrics: Metrics = { record: () => {}, publish: () => {} };

/** A handler after which its metrics are published, also when it fails. */
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
