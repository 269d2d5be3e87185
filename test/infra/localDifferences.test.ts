import { Aspects } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { LocalDifferences } from "../../infra/localDifferences.ts";
import { local } from "../../infra/localStage.ts";
import { dev } from "../../infra/stages.ts";
import type { FunctionName } from "../../shared/aws/resources.ts";
import { grantsOf } from "./support/statements.ts";
import { type Resource, resourcesOf, synthesiseStack, templateOf } from "./support/synthesise.ts";

const onAws = templateOf(dev);
const changed = synthesiseStack(dev);
Aspects.of(changed).add(new LocalDifferences());
const onLocalCloud = Template.fromStack(changed);

const functionNames: readonly FunctionName[] = ["ingest", "notify", "deliver", "sweep", "api"];
const BATCH = /^sqs:SendMessageBatch on /;
const CONTEXT = / if Null kms:EncryptionContext:session false$/;

describe("the template for a local cloud", () => {
  it("keeps the relations between times on which safety depends", () => {
    expect(() => templateOf(local)).not.toThrow();
  });

  it("changes only two things in roles: the action for batches and the condition on the encryption context", () => {
    for (const name of functionNames) {
      const [aws, local] = [grantsOf(onAws, name), grantsOf(onLocalCloud, name)];
      expect(local.filter((grant) => !BATCH.test(grant))).toEqual(
        aws.map((grant) => grant.replace(CONTEXT, "")),
      );
      expect(local.filter((grant) => BATCH.test(grant))).toEqual(
        aws
          .filter((grant) => grant.startsWith("sqs:SendMessage "))
          .map((grant) => grant.replace("sqs:SendMessage ", "sqs:SendMessageBatch ")),
      );
    }
  });

  it("has the same resources, without the queues' policies and with alarms that watch one metric", () => {
    const isQueuePolicy = ({ Type }: Resource) => Type === "AWS::SQS::QueuePolicy";
    const isRole = ({ Type }: Resource) => Type === "AWS::IAM::Role";
    const isOfManyMetrics = ({ Properties }: Resource) => Properties.Metrics !== undefined;
    const [aws, local] = [resourcesOf(onAws), resourcesOf(onLocalCloud)];
    const same = Object.entries(aws).filter(([, each]) => !isQueuePolicy(each) && !isOfManyMetrics(each));
    expect(Object.values(local).filter(isQueuePolicy)).toEqual([]);
    for (const [id, resource] of same.filter(([, each]) => !isRole(each)))
      expect(local[id]).toEqual(resource);

    const changedAlarms = Object.entries(aws).filter(([, each]) => isOfManyMetrics(each));
    expect(changedAlarms.length).toBeGreaterThan(0);
    expect(Object.keys(local).sort()).toEqual([...same, ...changedAlarms].map(([id]) => id).sort());
    for (const [id, { Properties }] of changedAlarms) {
      const { Metrics, ...others } = Properties;
      const { Stat, Period, Metric } = (Metrics as { MetricStat?: MetricStat }[]).flatMap(
        ({ MetricStat }) => MetricStat ?? [],
      )[0] ?? { Metric: {} };
      expect(local[id]?.Properties).toEqual({ ...others, ...Metric, Statistic: Stat, Period });
    }
  });

  it("leaves out only queue policies that require TLS and nothing else", () => {
    const policies = Object.values(resourcesOf(onAws)).filter(({ Type }) => Type === "AWS::SQS::QueuePolicy");
    expect(policies.length).toBeGreaterThan(0);
    for (const { Properties } of policies)
      expect(Properties.PolicyDocument).toMatchObject({
        Statement: [{ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }],
      });
  });
});

interface MetricStat {
  readonly Metric: object;
  readonly Stat: string;
  readonly Period: number;
}
