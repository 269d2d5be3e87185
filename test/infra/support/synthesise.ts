import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { RelayStack } from "../../../infra/relayStack.ts";
import type { RelayStage } from "../../../infra/stages.ts";

/** The stack of a stage, without bundling its functions. */
export function synthesiseStack(stage: RelayStage): RelayStack {
  return new RelayStack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), stage);
}

export function templateOf(stage: RelayStage): Template {
  return Template.fromStack(synthesiseStack(stage));
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export function resourcesOf(template: Template): Readonly<Record<string, Resource>> {
  return template.toJSON().Resources;
}
