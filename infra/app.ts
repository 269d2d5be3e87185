import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { RelayStack } from "./relayStack.ts";
import { dev, prod } from "./stages.ts";

/** `npx cdk deploy stasis-relay-dev`, or `stasis-relay-prod`: the account and region are those of the caller. */
const app = new App();
for (const stage of [dev, prod]) new RelayStack(app, stage);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
app.synth();
