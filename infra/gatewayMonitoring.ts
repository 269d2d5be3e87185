import { Duration } from "aws-cdk-lib";
import type { IMetric } from "aws-cdk-lib/aws-cloudwatch";
import type { RelayAlarms } from "./alarms.ts";
import type { Gateway } from "./gateway.ts";
import { gatewayMetric } from "./gatewayMetric.ts";
import type { RelayStage } from "./stages.ts";

const FIVE_MINUTES = Duration.minutes(5);

/** Can AMI clients connect, and do they get their events? */
export function addGatewayAlarms(
  alarms: RelayAlarms,
  stage: RelayStage,
  { service, targets }: Gateway,
): void {
  alarms.add("AMI gateway is down", {
    severity: "high",
    impact: "No AMI client can connect; those with resume get their events once it is back.",
    metric: targets.metrics.healthyHostCount({ statistic: "Minimum", period: Duration.minutes(1) }),
    threshold: 1,
    below: true,
    periods: 3,
    silenceIsFailure: true,
  });
  alarms.add("AMI gateway is overloaded", {
    severity: "high",
    impact: "AMI clients get their events late, and logins take long or fail.",
    metric: service.metricCpuUtilization({ statistic: "Average", period: FIVE_MINUTES }),
    threshold: 80,
    periods: 3,
  });
  alarms.add("AMI certificate expires", {
    severity: "high",
    impact: "Soon no AMI client that checks the certificate can connect any more.",
    metric: gatewayMetric(stage, "GatewayCertificateDays", "Minimum"),
    threshold: 14,
    below: true,
    periods: 1,
  });
}

/** The gateway's graphs of the dashboard. */
export function gatewayGraphs(
  stage: RelayStage,
  { service, loadBalancer, targets }: Gateway,
): readonly { readonly title: string; readonly metrics: IMetric[] }[] {
  return [
    {
      title: "AMI connections of a task",
      metrics: ["Average", "Maximum"].map((statistic) =>
        gatewayMetric(stage, "GatewayConnections", statistic),
      ),
    },
    {
      title: "AMI gateway, CPU and memory, %",
      metrics: [service.metricCpuUtilization(), service.metricMemoryUtilization()],
    },
    { title: "AMI tasks that are up", metrics: [targets.metrics.healthyHostCount()] },
    { title: "AMI bytes", metrics: [loadBalancer.metrics.processedBytes()] },
    { title: "AMI certificate, days", metrics: [gatewayMetric(stage, "GatewayCertificateDays", "Minimum")] },
  ];
}
