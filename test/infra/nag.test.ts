import { App, Stack } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, it } from "vitest";
import { dev, prod } from "../../infra/stages.ts";
import { synthesiseStack } from "./support/synthesise.ts";

describe("cdk-nag's AwsSolutions", () => {
  it.each([dev, prod])("finds nothing in $name that is not acknowledged with a reason", (stage) => {
    expect(new AwsSolutionsChecks().validateScope(synthesiseStack(stage)).violations).toEqual([]);
  });

  it("is active: it finds the faults of a plain queue", () => {
    const stack = new Stack(new App(), "plain");
    new Queue(stack, "Queue");
    const found = new AwsSolutionsChecks().validateScope(stack).violations.map(({ ruleName }) => ruleName);
    expect(found.sort()).toEqual(["AwsSolutions-SQS3", "AwsSolutions-SQS4"]);
  });
});
