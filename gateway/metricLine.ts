import { type GatewayMetricName, gatewayMetrics, metricDimensions } from "../shared/runtime/metricNames.ts";

/**
 * A log line that CloudWatch reads as metrics (embedded metric format). Unlike the functions' metrics, zeros are sent:
 * a gateway without connections must be seen to have none, or it would never be scaled in.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function metricLine(
  namespace: string,
  values: Readonly<Partial<Record<GatewayMetricName, number>>>,
  nowEpochMillis: number,
): string {
  const names = Object.keys(values) as GatewayMetricName[];
  return JSON.stringify({
    _aws: {
      Timestamp: nowEpochMillis,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [[metricDimensions.function]],
          Metrics: names.map((Name) => ({ Name, Unit: gatewayMetrics[Name] })),
        },
      ],
    },
    [metricDimensions.function]: "gateway",
    ...values,
  });
}
