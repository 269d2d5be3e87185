import type { MetricName } from "../../shared/runtime/metricNames.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";

/** Records metrics for a test: every value other than 0, in order. */
export class RecordedMetrics implements Metrics {
  readonly recorded: { feed: string; name: MetricName; value: number }[] = [];
  published = 0;

  record(feed: string, values: Partial<Record<MetricName, number>>): void {
    for (const [name, value] of Object.entries(values) as [MetricName, number][])
      if (value !== 0) this.recorded.push({ feed, name, value });
  }

  publish(): void {
    this.published += 1;
  }

  /** The sum of each metric. */
  sums(): Partial<Record<MetricName, number>> {
    const sums: Partial<Record<MetricName, number>> = {};
    for (const { name, value } of this.recorded) sums[name] = (sums[name] ?? 0) + value;
    return sums;
  }

  values(name: MetricName): number[] {
    return this.recorded.flatMap((each) => (each.name === name ? [each.value] : []));
  }
}
