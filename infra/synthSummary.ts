import type { CloudFormationStackArtifact } from "aws-cdk-lib/cx-api";

/** What was synthesised: CDK itself says nothing when all is well. */
export function summaryOf(stacks: readonly CloudFormationStackArtifact[], directory: string): string {
  const lines = stacks.map((stack) => {
    const { Resources = {} } = stack.template as { Resources?: object };
    return `${stack.stackName}: ${Object.keys(Resources).length} resources, ${directory}/${stack.templateFile}`;
  });
  return [...lines, ""].join("\n");
}
