import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { RelayStack } from "./relayStack.ts";
import { dev, prod } from "./stages.ts";
import { summaryOf } from "./synthSummary.ts";

/** `npx cdk deploy stasis-relay-dev` or `stasis-relay-prod` deploys to the caller's account and region. */
const app = new App();
for (const stage of [dev, prod]) new RelayStack(app, stage);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
const assembly = app.synth();
process.stderr.write(summaryOf(assembly.stacks, assembly.directory));
