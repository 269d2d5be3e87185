import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type MetricName, metricDimensions, relayMetrics } from "../shared/runtime/metricNames.ts";
import { nameIn } from "./nameIn.ts";
import type { RelayStage } from "./stages.ts";

/** The CloudWatch namespace of a stage's metrics. */
export function metricsNamespace(stage: RelayStage): string {
  return nameIn(stage, "stasis-relay");
}

/** One of the relay's own metrics, over all feeds. */
export function relayMetric(stage: RelayStage, name: MetricName, statistic: string): Metric {
  return new Metric({
    namespace: metricsNamespace(stage),
    metricName: name,
    dimensionsMap: { [metricDimensions.function]: relayMetrics[name].function },
    statistic,
    period: Duration.minutes(5),
  });
}
