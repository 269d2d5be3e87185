import { Metrics as Powertools } from "@aws-lambda-powertools/metrics";
import { type MetricName, metricDimensions, metricVariables, relayMetrics } from "./metricNames.ts";
import type { Metrics } from "./metrics.ts";
import type { Environment } from "./settings.ts";

/** A line of the embedded metric format holds at most 100 values of a metric. At 100, Powertools publishes on its own. */
const VALUES_PER_LINE = 99;

/**
 * The metrics of a function on AWS, as log lines in CloudWatch's embedded metric format. Recording calls no API.
 *
 * CloudWatch bills each combination of name and dimensions for every hour in which it gets a value. So zeros are
 * omitted, and the feed is a dimension only for feeds that the operator lists. For all other feeds it is a plain field
 * of the line, which Logs Insights can search.
 */
export function createLambdaMetrics(functionName: string, environment: Environment): Metrics {
  const powertools = new Powertools({
    namespace: environment[metricVariables.namespace] || "stasis-relay",
    serviceName: functionName,
  });
  const ownFeeds = (environment[metricVariables.feeds] ?? "").split(",").map((feed) => feed.trim());
  const recorded = new Map<string, Map<MetricName, number[]>>();

  const publishLine = (feed: string, values: ReadonlyMap<MetricName, readonly number[]>) => {
    if (ownFeeds.includes("*") || ownFeeds.includes(feed))
      powertools.addDimensions({}).addDimensions({ [metricDimensions.feed]: feed });
    else powertools.addMetadata(metricDimensions.feed, feed);
    for (const [name, each] of values)
      for (const value of each) powertools.addMetric(name, relayMetrics[name].unit, value);
    powertools.publishStoredMetrics();
  };

  return {
    record: (feed, values) => {
      const ofFeed = recorded.get(feed) ?? new Map<MetricName, number[]>();
      recorded.set(feed, ofFeed);
      for (const [name, value] of Object.entries(values) as [MetricName, number][]) {
        if (value === 0) continue;
        const before = ofFeed.get(name) ?? [];
        const isSum = relayMetrics[name].unit === "Count";
        ofFeed.set(name, isSum ? [(before[0] ?? 0) + value] : [...before, value]);
      }
    },
    publish: () => {
      for (const [feed, values] of recorded)
        for (let rest = values; rest.size > 0; rest = linesAfter(rest)) publishLine(feed, firstLine(rest));
      recorded.clear();
    },
  };
}

function firstLine(values: ReadonlyMap<MetricName, number[]>): Map<MetricName, number[]> {
  return new Map([...values].map(([name, each]) => [name, each.slice(0, VALUES_PER_LINE)]));
}

function linesAfter(values: ReadonlyMap<MetricName, number[]>): Map<MetricName, number[]> {
  const rest = [...values].map(([name, each]) => [name, each.slice(VALUES_PER_LINE)] as const);
  return new Map(rest.filter(([, each]) => each.length > 0));
}
