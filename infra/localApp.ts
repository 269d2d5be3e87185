import { App, Aspects, CliCredentialsStackSynthesizer, type IStackSynthesizer } from "aws-cdk-lib";
import { LocalDifferences } from "./localDifferences.ts";
import { local } from "./localStage.ts";
import { RelayStack } from "./relayStack.ts";

/**
 * The relay for a local cloud, deployed by `npm run deploy:local`. It is a separate app, so that `cdk deploy --all`
 * never puts a relay on AWS that may call its own loopback addresses.
 */

const app = new App();
// Uses the caller's credentials, because the roles of CDK's bootstrap have conditions that local clouds do not know.
const synthesizer = new CliCredentialsStackSynthesizer() as IStackSynthesizer;
new RelayStack(app, local, { synthesizer });
Aspects.of(app).add(new LocalDifferences());
