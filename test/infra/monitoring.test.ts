import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { RUNBOOK, runbookAnchor } from "../../infra/alarms.ts";
import { dev } from "../../infra/stages.ts";
import { type MetricName, relayMetrics } from "../../shared/runtime/metricNames.ts";
import * as deployed from "../../tools/cost/deployed.ts";
import { templateOf } from "./support/synthesise.ts";

interface MetricStat {
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

interface AlarmProperties extends MetricStat {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions: readonly unknown[];
  readonly OKActions: readonly unknown[];
  readonly TreatMissingData: string;
  readonly Metrics?: readonly { readonly MetricStat?: { readonly Metric: MetricStat } }[];
}

const RUNBOOK_URL = "https://git.example.com/relay/docs/runbook.md";
const template = templateOf({ ...dev, alarmEmail: "operator@example.com", runbookUrl: RUNBOOK_URL });
const alarms: readonly AlarmProperties[] = Object.values(
  template.findResources("AWS::CloudWatch::Alarm"),
).map(({ Properties }) => Properties);
const metricsOf = (alarm: AlarmProperties): MetricStat[] =>
  alarm.Metrics?.flatMap((each) => each.MetricStat?.Metric ?? []) ?? [alarm];
const headings = [
  ...readFileSync(join(import.meta.dirname, "../..", RUNBOOK), "utf8").matchAll(/^## (.+)$/gm),
].map(([, title = ""]) => title);
/** Those of the AMI gateway are compared in gateway.test.ts: this stage has none. */
const ownHeadings = headings.filter((title) => !title.startsWith("AMI "));

describe("each alarm", () => {
  it.each(alarms.map((alarm) => [alarm.AlarmName, alarm] as const))(
    "%s says how urgent it is, how it affects users, and where the runbook says what to do",
    (name, { AlarmDescription }) => {
      const [, impact = "", anchor = ""] =
        /^\[(?:high|low)\] (.+\.) What to do: https:\/\/git\.example\.com\/relay\/docs\/runbook\.md#([a-z0-9-]+)$/.exec(
          AlarmDescription,
        ) ?? [];
      expect(impact.split(" ").length).toBeGreaterThanOrEqual(8);
      expect(headings.map(runbookAnchor)).toContain(anchor);
      expect(name).toBe(`stasis-relay-${anchor}-dev`);
    },
  );

  it("names its section of the runbook where the stage has no address for it", () => {
    const descriptions = Object.values(templateOf(dev).findResources("AWS::CloudWatch::Alarm")).map(
      ({ Properties }) => String(Properties.AlarmDescription),
    );
    expect(descriptions).toHaveLength(alarms.length);
    for (const description of descriptions) {
      const [, title] = /What to do: section "(.+)" of docs\/runbook\.md$/.exec(description) ?? [];
      expect(headings).toContain(title);
    }
  });

  it("goes to the topic of its severity when it begins and when it ends", () => {
    const topicOf = (severity: string) =>
      Object.keys(
        template.findResources("AWS::SNS::Topic", {
          Properties: { TopicName: `stasis-relay-alarms-${severity}-dev` },
        }),
      )[0];
    for (const { AlarmDescription, AlarmActions, OKActions } of alarms) {
      const topic = topicOf(AlarmDescription.startsWith("[high]") ? "high" : "low");
      expect(topic).toBeDefined();
      expect(AlarmActions).toEqual([{ Ref: topic }]);
      expect(OKActions).toEqual(AlarmActions);
    }
  });

  it("on the relay's own metrics watches a metric that a function records, under that function's dimension", () => {
    const own = alarms.flatMap(metricsOf).filter(({ Namespace }) => Namespace === "stasis-relay-dev");
    expect(own.length).toBeGreaterThanOrEqual(10);
    for (const { MetricName: name, Dimensions } of own) {
      expect(Object.keys(relayMetrics)).toContain(name);
      expect(Dimensions).toEqual([{ Name: "service", Value: relayMetrics[name as MetricName].function }]);
    }
    for (const { Properties } of Object.values(template.findResources("AWS::Lambda::Function")))
      expect(Properties.Environment.Variables).toMatchObject({ RELAY_METRICS_NAMESPACE: "stasis-relay-dev" });
  });
});

describe("the runbook", () => {
  it("has a section for each alarm and no other", () => {
    const anchors = alarms.map(({ AlarmDescription }) => AlarmDescription.split("#")[1]);
    expect(ownHeadings.map(runbookAnchor).sort()).toEqual(anchors.sort());
  });

  it("says for each how it affects users, what to look at and what to do", () => {
    const text = readFileSync(join(import.meta.dirname, "../..", RUNBOOK), "utf8");
    for (const section of text.split(/^## /m).slice(1))
      for (const part of ["**Users feel:**", "**Look at:**", "**Do:**"]) expect(section).toContain(part);
  });
});

describe("the alarms together", () => {
  it("treat missing data as a failure only for the sweep", () => {
    const silent = alarms.filter(({ TreatMissingData }) => TreatMissingData === "breaching");
    expect(silent.map(({ AlarmName }) => AlarmName)).toEqual(["stasis-relay-sweep-does-not-run-dev"]);
  });

  it("may publish to encrypted topics, and only this account's CloudWatch may", () => {
    template.resourceCountIs("AWS::SNS::Topic", 2);
    for (const { Properties } of Object.values(template.findResources("AWS::SNS::Topic")))
      expect(Properties.KmsMasterKeyId).toBeDefined();
    const ofThisAccount = { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } };
    const cloudWatch = { Principal: { Service: "cloudwatch.amazonaws.com" }, Condition: ofThisAccount };
    template.resourcePropertiesCountIs(
      "AWS::SNS::TopicPolicy",
      {
        PolicyDocument: {
          Statement: Match.arrayWith([Match.objectLike({ ...cloudWatch, Action: "sns:Publish" })]),
        },
      },
      2,
    );
    template.hasResourceProperties("AWS::KMS::Key", {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({ ...cloudWatch, Action: ["kms:Decrypt", "kms:GenerateDataKey*"] }),
        ]),
      },
    });
  });

  it("are mailed to the stage's address, and to nobody without one", () => {
    template.resourcePropertiesCountIs(
      "AWS::SNS::Subscription",
      { Protocol: "email", Endpoint: "operator@example.com" },
      2,
    );
    templateOf(dev).resourceCountIs("AWS::SNS::Subscription", 0);
  });
});

describe("the dashboard", () => {
  it("shows every metric of the relay, and every alarm", () => {
    const [dashboard] = Object.values(template.findResources("AWS::CloudWatch::Dashboard"));
    const body = JSON.stringify(dashboard?.Properties.DashboardBody);
    for (const name of Object.keys(relayMetrics)) expect(body).toContain(name);
    for (const id of Object.keys(template.findResources("AWS::CloudWatch::Alarm")))
      expect(body).toContain(`["${id}","Arn"]`);
  });
});

describe("the deployment that npm run cost assumes", () => {
  const count = (type: string) => Object.keys(template.findResources(type)).length;

  it("matches the template", () => {
    expect(alarms.flatMap(metricsOf)).toHaveLength(deployed.alarmMetrics);
    expect(count("AWS::CloudWatch::Dashboard")).toBe(deployed.dashboards);
    expect(dev.tracedFunctions).toEqual(deployed.tracedFunctions);
    expect(count("AWS::KMS::Key")).toBe(deployed.keys);
    expect(count("AWS::SecretsManager::Secret")).toBe(deployed.secrets);
    expect(count("AWS::Lambda::EventSourceMapping")).toBe(
      deployed.mappedQueues.standard + deployed.mappedQueues.fifo,
    );
  });

  it.each(Object.entries(deployed.memoryMebibytes))("gives %s %i MiB", (name, MemorySize) => {
    template.hasResourceProperties("AWS::Lambda::Function", {
      FunctionName: `stasis-relay-${name}-dev`,
      MemorySize,
    });
  });
});
