import { Duration } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { MetricName } from "../shared/runtime/metricNames.ts";
import { combined, RelayAlarms } from "./alarms.ts";
import { AlarmTopics } from "./alarmTopics.ts";
import { addDashboard } from "./dashboard.ts";
import { addGatewayAlarms } from "./gatewayMonitoring.ts";
import type { MonitoringProps } from "./monitoringProps.ts";
import { relayMetric } from "./relayMetric.ts";

const MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);

/**
 * The relay's alarms and dashboard. The alarms follow an event through the system. Each has a section in
 * docs/runbook.md under its title (test/infra/monitoring.test.ts).
 */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { stage } = props;
    const alarms = new RelayAlarms(this, stage, new AlarmTopics(this, "Topics", stage).topics);
    addIngestAlarms(alarms, props);
    addDeliveryAlarms(alarms, props);
    addSweepAlarms(alarms, props);
    addFunctionAlarms(alarms, props);
    if (props.gateway !== undefined) addGatewayAlarms(alarms, stage, props.gateway);
    addDashboard(this, props, alarms.made);
  }
}

/** Are the producers' events accepted? */
function addIngestAlarms(alarms: RelayAlarms, { stage, queues, http }: MonitoringProps): void {
  alarms.add("HTTP API fails", {
    severity: "high",
    impact: "Callers get server errors. Producers must keep their events and resend them.",
    metric: http.httpApi.metricServerError({ statistic: "Sum", period: FIVE_MINUTES }),
    threshold: 5,
    periods: 2,
  });
  alarms.add("Appends time out", {
    severity: "high",
    impact: "Producers time out and must resend, and subscribers get the events late.",
    metric: relayMetric(stage, "AppendTimeouts", "Sum"),
    threshold: 1,
    periods: 2,
  });
  alarms.add("Ingest queue is old", {
    severity: "high",
    impact: "At least one feed that arrives over SQS has stalled: its subscribers get nothing new.",
    metric: queues.ingest.queue.metricApproximateAgeOfOldestMessage({ statistic: "Maximum", period: MINUTE }),
    threshold: 120,
    periods: 3,
  });
  alarms.add("Ingest dead letters", {
    severity: "high",
    impact:
      "Events went to the dead-letter queue and are in no feed. Subscribers miss them until they are redriven.",
    metric: queues.ingest.deadLetters.metricApproximateNumberOfMessagesVisible({
      statistic: "Maximum",
      period: FIVE_MINUTES,
    }),
    threshold: 1,
    periods: 1,
  });
  alarms.add("Events are refused", {
    severity: "low",
    impact: "A producer sends events that the relay cannot accept, and subscribers never see them.",
    metric: relayMetric(stage, "RefusedEvents", "Sum"),
    threshold: 1,
    periods: 1,
  });
}

/** Do subscribers get all their messages, and in time? */
function addDeliveryAlarms(alarms: RelayAlarms, { stage, queues }: MonitoringProps): void {
  alarms.add("Deliveries are late", {
    severity: "high",
    impact: "Subscribers with fast endpoints get their messages more than ten seconds late.",
    metric: relayMetric(stage, "AppendToDelivery", "p99"),
    threshold: 10_000,
    periods: 3,
  });
  alarms.add("Hint queues are old", {
    severity: "high",
    impact:
      "Sessions are not woken: their messages wait up to a minute for the next sweep, or do not arrive at all.",
    metric: combined(
      "MAX",
      "oldest hint, seconds",
      // The slow lane is left out: its wakes are delayed on purpose, for up to 15 minutes, those of groups too.
      [queues.notify, queues.wake].map(({ queue }) =>
        queue.metricApproximateAgeOfOldestMessage({ statistic: "Maximum", period: FIVE_MINUTES }),
      ),
    ),
    threshold: 60,
    periods: 2,
  });
  alarms.add("Hint dead letters", {
    severity: "low",
    impact: "The same work keeps failing: some sessions are served by the sweep alone, or not at all.",
    metric: combined(
      "SUM",
      "dead hints",
      [queues.notify, queues.wake, queues.slow].map(({ deadLetters }) =>
        deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: FIVE_MINUTES }),
      ),
    ),
    threshold: 1,
    periods: 1,
  });
  alarms.add("A session lags", {
    severity: "low",
    impact:
      "At least one subscriber is more than 15 minutes behind. Beyond the retention it will lose messages.",
    metric: relayMetric(stage, "SlowestSessionLagSeconds", "Maximum"),
    threshold: 900,
    periods: 3,
  });
  alarms.add("Sessions are suspended", {
    severity: "low",
    impact: "At least one subscriber gets nothing until someone resumes its session.",
    metric: relayMetric(stage, "SuspendedSessions", "Maximum"),
    threshold: 1,
    periods: 1,
  });
  const gaps: MetricName[] = ["GapsBeforeIngest", "GapsExpired", "GapsRetention"];
  alarms.add("Messages are lost", {
    severity: "high",
    impact: "A subscriber was sent a gap message: it will never get the messages in the gap.",
    metric: combined(
      "SUM",
      "gaps",
      gaps.map((name) => relayMetric(stage, name, "Sum")),
    ),
    threshold: 1,
    periods: 1,
  });
}

/** Are needed messages kept, and all others freed? */
function addSweepAlarms(alarms: RelayAlarms, { stage, functions }: MonitoringProps): void {
  alarms.add("Sweep does not run", {
    severity: "high",
    impact: "Lost hints are not repaired, so sessions may stall, and no segment is freed.",
    metric: functions.sweep.metricInvocations({ statistic: "Sum", period: FIVE_MINUTES }),
    threshold: 1,
    below: true,
    periods: 2,
    silenceIsFailure: true,
  });
  alarms.add("Hints are lost", {
    severity: "low",
    impact: "Sessions wait for the sweep to wake them: their messages arrive up to a minute late.",
    metric: relayMetric(stage, "RepairedWakes", "Sum"),
    threshold: 10,
    periods: 3,
  });
  alarms.add("Reference counts differ", {
    severity: "high",
    impact:
      "Nothing yet. Messages may be kept longer than needed, or freed while a session still needs them.",
    metric: relayMetric(stage, "AuditDifferences", "Sum"),
    threshold: 1,
    periods: 1,
  });
}

function addFunctionAlarms(alarms: RelayAlarms, { functions }: MonitoringProps): void {
  const each = Object.values(functions);
  alarms.add("Functions fail", {
    severity: "high",
    impact: "Failed work is retried and finishes late. What keeps failing ends in a dead-letter queue.",
    metric: combined(
      "SUM",
      "errors",
      each.map((one) => one.metricErrors({ statistic: "Sum", period: FIVE_MINUTES })),
    ),
    threshold: 1,
    periods: 3,
  });
  alarms.add("Functions are throttled", {
    severity: "high",
    impact: "The account has no free concurrency: requests fail with 503, and deliveries are late.",
    metric: combined(
      "SUM",
      "throttles",
      each.map((one) => one.metricThrottles({ statistic: "Sum", period: FIVE_MINUTES })),
    ),
    threshold: 1,
    periods: 3,
  });
}
