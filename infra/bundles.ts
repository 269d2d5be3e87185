import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { RelayStack } from "./relayStack.ts";
import type { RelayStage } from "./stages.ts";

export interface Bundle {
  /** The function's name on AWS. */
  readonly functionName: string;
  readonly file: string;
  readonly environment: Readonly<Record<string, unknown>>;
}

/** Synthesises a stage into a directory and returns the file that each function would run. */
export function bundlesOf(stage: RelayStage, directory: string): Bundle[] {
  const app = new App({ outdir: directory, context: { "aws:cdk:enable-asset-metadata": true } });
  const { stackName } = new RelayStack(app, stage);
  const { Resources } = app.synth().getStackByName(stackName).template;
  return Object.values<{ Type: string; Properties: FunctionProperties; Metadata: AssetMetadata }>(Resources)
    .filter(({ Type }) => Type === "AWS::Lambda::Function")
    .map(({ Properties, Metadata }) => ({
      functionName: Properties.FunctionName,
      file: join(directory, Metadata["aws:asset:path"], "index.mjs"),
      environment: Properties.Environment.Variables,
    }));
}

interface FunctionProperties {
  readonly FunctionName: string;
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

interface AssetMetadata {
  readonly "aws:asset:path": string;
}
