import type { FunctionName } from "../../shared/aws/resources.ts";
import type { MetricName } from "../../shared/runtime/metricNames.ts";

/** Deployed resources with a fixed cost. test/infra/monitoring.test.ts compares them with the template. */
export const memoryMebibytes: Readonly<Record<FunctionName, number>> = {
  ingest: 512,
  notify: 256,
  deliver: 512,
  sweep: 256,
  api: 512,
};

/** The functions that a stage traces by default. */
export const tracedFunctions: readonly FunctionName[] = ["api", "sweep"];

export const keys = 2;
export const secrets = 1;
export const dashboards = 1;
export const mappedQueues = { standard: 3, fifo: 1 };
export const alarmMetrics = 29;

/** The gateway's task and network (infra/gateway.ts), where a stage has one. */
export const gateway = { cpu: 0.5, memoryGigabytes: 1, zones: 2 };

/** Metrics that get values in normal operation. The others cost nothing until something happens. */
export const ordinaryMetrics: readonly MetricName[] = [
  "AppendedPages",
  "AppendedEvents",
  "AppendToDelivery",
  "DeliveredMessages",
  "SlowestSessionLagMessages",
  "SlowestSessionLagSeconds",
  "FreedSegments",
];
