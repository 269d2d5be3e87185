import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import { type GatewayMetricName, metricDimensions } from "../shared/runtime/metricNames.ts";
import { metricsNamespace } from "./relayMetric.ts";
import type { RelayStage } from "./stages.ts";

/** One of the AMI gateway's metrics, over its tasks. */
export function gatewayMetric(stage: RelayStage, metricName: GatewayMetricName, statistic: string): Metric {
  return new Metric({
    namespace: metricsNamespace(stage),
    metricName,
    dimensionsMap: { [metricDimensions.function]: "gateway" },
    statistic,
    period: Duration.minutes(5),
  });
}
