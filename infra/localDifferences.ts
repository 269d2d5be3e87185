import { type IAspect, Stack } from "aws-cdk-lib";
import { CfnAlarm } from "aws-cdk-lib/aws-cloudwatch";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import { CfnQueuePolicy } from "aws-cdk-lib/aws-sqs";
import type { IConstruct } from "constructs";
import { z } from "zod";

/*
 * All differences of the template for a local cloud, apart from the values of its stage. Ministack enforces policies,
 * but not exactly as AWS does (docs/local-clouds.md). Production's template makes no concessions to ministack.
 */

const statementSchema = z.looseObject({
  Action: z.union([z.string(), z.array(z.string())]),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const rolePoliciesSchema = z.array(
  z.object({
    policyName: z.string(),
    policyDocument: z.looseObject({ Statement: z.array(statementSchema) }),
  }),
);
const metricsSchema = z.array(
  z.object({
    metricStat: z
      .object({
        metric: z.object({
          namespace: z.string(),
          metricName: z.string(),
          dimensions: z.array(z.custom<CfnAlarm.DimensionProperty>()).optional(),
        }),
        stat: z.string(),
        period: z.number(),
      })
      .optional(),
  }),
);
type Statement = z.infer<typeof statementSchema>;

export class LocalDifferences implements IAspect {
  visit(node: IConstruct): void {
    if (node instanceof CfnRole) changePolicies(node);
    if (node instanceof CfnAlarm && node.metrics !== undefined) watchOneMetric(node);
    // Local clouds speak plain HTTP, and these policies only require TLS.
    if (node instanceof CfnQueuePolicy) node.node.scope?.node.tryRemoveChild(node.node.id);
  }
}

/** Ministack knows no alarms on several metrics. The dashboard names them, so they stay and watch the first metric. */
function watchOneMetric(alarm: CfnAlarm): void {
  const metrics = metricsSchema.parse(Stack.of(alarm).resolve(alarm.metrics));
  const first = metrics.find(({ metricStat }) => metricStat !== undefined)?.metricStat;
  alarm.metrics = undefined;
  if (first === undefined) return;
  alarm.namespace = first.metric.namespace;
  alarm.metricName = first.metric.metricName;
  alarm.dimensions = first.metric.dimensions;
  alarm.statistic = first.stat;
  alarm.period = first.period;
}

function changePolicies(role: CfnRole): void {
  const policies = rolePoliciesSchema.parse(Stack.of(role).resolve(role.policies));
  role.policies = policies.map(({ policyName, policyDocument }) => ({
    policyName,
    policyDocument: {
      ...policyDocument,
      Statement: policyDocument.Statement.map(withBatches).map(withoutEncryptionContext),
    },
  }));
}

/** AWS has one action for sending a message and sending a batch; ministack has two. */
function withBatches(statement: Statement): Statement {
  const actions = [statement.Action].flat();
  if (!actions.includes("sqs:SendMessage")) return statement;
  return { ...statement, Action: [...actions, "sqs:SendMessageBatch"] };
}

/** Ministack binds ciphertexts to their encryption context as AWS does, but policies cannot test the context. */
function withoutEncryptionContext({ Condition, ...statement }: Statement): Statement {
  const isOnContext = Object.values(Condition ?? {}).some((keys) =>
    Object.keys(keys).some((key) => key.startsWith("kms:EncryptionContext:")),
  );
  return isOnContext || Condition === undefined ? statement : { ...statement, Condition };
}
