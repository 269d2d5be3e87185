import { Duration } from "aws-cdk-lib";
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  PeriodOverride,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Construct } from "constructs";
import type { MetricName } from "../shared/runtime/metricNames.ts";
import { gatewayGraphs } from "./gatewayMonitoring.ts";
import type { MonitoringProps } from "./monitoringProps.ts";
import { nameIn } from "./nameIn.ts";
import { relayMetric } from "./relayMetric.ts";

const WIDTH = 24;

/** One screen: first the alarms, then the effect on users, then every step of an event's way through the system. */
export function addDashboard(scope: Construct, props: MonitoringProps, alarms: Alarm[]): void {
  const { stage, queues, functions, gateway } = props;
  const { ingest, notify, wake, slow } = queues;
  const ofQueues = Object.entries({ ingest, notify, wake, slow });
  const ofFunctions = Object.entries(functions);
  const relay = (statistic: string, ...names: MetricName[]) =>
    names.map((name) => relayMetric(stage, name, statistic));
  const period = Duration.minutes(5);

  new Dashboard(scope, "Dashboard", {
    dashboardName: nameIn(stage, "stasis-relay"),
    defaultInterval: Duration.hours(12),
    periodOverride: PeriodOverride.AUTO,
    widgets: [
      [new AlarmStatusWidget({ title: "Alarms (docs/runbook.md)", alarms, width: WIDTH, height: 4 })],
      [
        graph("Append to delivery, fast lane, ms", [
          relayMetric(stage, "AppendToDelivery", "p50"),
          relayMetric(stage, "AppendToDelivery", "p99"),
        ]),
        graph("Slowest session, seconds behind", relay("Maximum", "SlowestSessionLagSeconds")),
        graph("Slowest session, messages behind", relay("Maximum", "SlowestSessionLagMessages")),
        graph("Suspended sessions, most of a feed", relay("Maximum", "SuspendedSessions")),
      ],
      [
        graph("Events", relay("Sum", "AppendedEvents", "RefusedEvents")),
        graph("Pages and time-outs", relay("Sum", "AppendedPages", "AppendTimeouts")),
        graph("Delivered messages", relay("Sum", "DeliveredMessages")),
        graph("Failed attempts", relay("Sum", "FailedAttempts")),
      ],
      [
        graph("Gaps", relay("Sum", "GapsBeforeIngest", "GapsExpired", "GapsRetention")),
        graph("Sweep", relay("Sum", "FreedSegments", "RepairedWakes", "AuditDifferences")),
        graph(
          "Oldest message, seconds",
          ofQueues.map(([label, each]) => each.queue.metricApproximateAgeOfOldestMessage({ label, period })),
        ),
        graph(
          "Dead letters",
          ofQueues.map(([label, { deadLetters }]) =>
            deadLetters.metricApproximateNumberOfMessagesVisible({ label, period }),
          ),
        ),
      ],
      [
        graph(
          "Invocations",
          ofFunctions.map(([label, each]) => each.metricInvocations({ label, period })),
        ),
        graph(
          "Errors",
          ofFunctions.map(([label, each]) => each.metricErrors({ label, period })),
        ),
        graph(
          "Throttles",
          ofFunctions.map(([label, each]) => each.metricThrottles({ label, period })),
        ),
        graph(
          "Duration p99, ms",
          ofFunctions.map(([label, each]) => each.metricDuration({ label, period, statistic: "p99" })),
        ),
      ],
      ...(gateway === undefined
        ? []
        : [gatewayGraphs(stage, gateway).map(({ title, metrics }) => graph(title, metrics))]),
    ],
  });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: WIDTH / 4, height: 6, leftYAxis: { min: 0 } });
}
