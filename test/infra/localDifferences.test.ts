import { Aspects } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, it } from "vitest";
import { LocalDifferences } from "../../infra/localDifferences.ts";
import { dev } from "../../infra/stages.ts";
import type { FunctionName } from "../../shared/aws/names.ts";
import { grantsOf } from "./support/statements.ts";
import { resourcesOf, synthesiseStack, templateOf } from "./support/synthesise.ts";

const onAws = templateOf(dev);
const changed = synthesiseStack(dev);
Aspects.of(changed).add(new LocalDifferences());
const onLocalCloud = Template.fromStack(changed);

const functionNames: readonly FunctionName[] = ["ingest", "notify", "deliver", "sweep", "api"];
const BATCH = /^sqs:SendMessageBatch on /;
const CONTEXT = / if Null kms:EncryptionContext:session false$/;

describe("the template for a local cloud", () => {
  it("differs in the roles only by the action of batches and by the condition on the encryption context", () => {
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

  it("has the same resources, apart from the queues' demand for TLS", () => {
    const without = (template: Template, ...types: string[]) =>
      Object.fromEntries(
        Object.entries(resourcesOf(template)).filter(([, { Type }]) => !types.includes(Type)),
      );
    expect(without(onLocalCloud, "AWS::IAM::Role")).toEqual(
      without(onAws, "AWS::IAM::Role", "AWS::SQS::QueuePolicy"),
    );
    for (const { Type, Properties } of Object.values(resourcesOf(onAws)))
      if (Type === "AWS::SQS::QueuePolicy")
        expect(Properties.PolicyDocument).toMatchObject({
          Statement: [{ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } }],
        });
  });
});
