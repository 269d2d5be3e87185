import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLambdaMetrics } from "../../../shared/runtime/lambdaMetrics.ts";
import { publishing } from "../../../shared/runtime/metrics.ts";
import { RecordedMetrics } from "../../support/recordedMetrics.ts";

let written: string[];

beforeEach(() => {
  written = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const lines = () => written.map((text) => JSON.parse(text));
/** The metrics that CloudWatch reads from a line (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html). */
const directive = (line: { _aws: { CloudWatchMetrics: unknown[] } }) => line._aws.CloudWatchMetrics[0];

describe("the metrics of a function on AWS", () => {
  it("are one line of the embedded metric format per feed, with the feed as a free plain field", () => {
    const metrics = createLambdaMetrics("ingest", { RELAY_METRICS_NAMESPACE: "relay-prod" });
    metrics.record("pbx-1", { AppendedPages: 1, AppendedEvents: 50 });
    metrics.record("pbx-2", { AppendTimeouts: 1 });
    metrics.record("pbx-1", { AppendedPages: 1, AppendedEvents: 10 });
    expect(written).toEqual([]);
    metrics.publish();
    expect(lines()).toMatchObject([
      { service: "ingest", feed: "pbx-1", AppendedPages: 2, AppendedEvents: 60 },
      { service: "ingest", feed: "pbx-2", AppendTimeouts: 1 },
    ]);
    expect(lines().map(directive)).toEqual([
      {
        Namespace: "relay-prod",
        Dimensions: [["service"]],
        Metrics: [
          { Name: "AppendedPages", Unit: "Count" },
          { Name: "AppendedEvents", Unit: "Count" },
        ],
      },
      {
        Namespace: "relay-prod",
        Dimensions: [["service"]],
        Metrics: [{ Name: "AppendTimeouts", Unit: "Count" }],
      },
    ]);
  });

  it.each(["pbx-1, pbx-3", "*"])("have the feed as a second dimension when %j has its own", (feeds) => {
    const metrics = createLambdaMetrics("ingest", { RELAY_METRICS_FEEDS: feeds });
    metrics.record("pbx-1", { AppendedPages: 1 });
    metrics.publish();
    metrics.record("pbx-2", { AppendedPages: 1 });
    metrics.publish();
    const ofEach = lines().map((line) => (directive(line) as { Dimensions: string[][] }).Dimensions);
    expect(ofEach).toEqual([
      [["service"], ["service", "feed"]],
      feeds === "*" ? [["service"], ["service", "feed"]] : [["service"]],
    ]);
    expect(lines()).toMatchObject([{ feed: "pbx-1" }, { feed: "pbx-2" }]);
  });

  it("write nothing when nothing was recorded, and nothing twice", () => {
    const metrics = createLambdaMetrics("sweep", {});
    metrics.record("pbx-1", { RepairedWakes: 0, FreedSegments: 0 });
    metrics.publish();
    expect(written).toEqual([]);
    metrics.record("pbx-1", { RepairedWakes: 1, FreedSegments: 0 });
    metrics.publish();
    metrics.publish();
    expect(lines()).toMatchObject([{ RepairedWakes: 1 }]);
    expect(lines()[0]).not.toHaveProperty("FreedSegments");
  });

  it("keep every time, and split more values than a line may hold over several lines", () => {
    const metrics = createLambdaMetrics("deliver", { RELAY_METRICS_FEEDS: "*" });
    const millis = Array.from({ length: 250 }, (_, index) => index + 1);
    for (const AppendToDelivery of millis)
      metrics.record("pbx-1", { AppendToDelivery, DeliveredMessages: 2 });
    metrics.publish();
    expect(lines().flatMap((line) => line.AppendToDelivery)).toEqual(millis);
    expect(lines().map((line) => line.DeliveredMessages)).toEqual([500, undefined, undefined]);
    for (const line of lines()) {
      expect(line.AppendToDelivery.length).toBeLessThanOrEqual(100);
      expect(directive(line)).toMatchObject({ Dimensions: [["service"], ["service", "feed"]] });
    }
  });
});

describe("publishing", () => {
  it("publishes the metrics after every event, even a failed one", async () => {
    const metrics = new RecordedMetrics();
    const handle = publishing(metrics, async (event: string) => {
      if (event === "bad") throw new Error("failed");
      return event;
    });
    expect(await handle("good")).toBe("good");
    expect(metrics.published).toBe(1);
    await expect(handle("bad")).rejects.toThrow("failed");
    expect(metrics.published).toBe(2);
  });
});
