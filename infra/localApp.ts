import { App, Aspects, CliCredentialsStackSynthesizer, type IStackSynthesizer } from "aws-cdk-lib";
import { LocalDifferences } from "./localDifferences.ts";
import { local } from "./localStage.ts";
import { RelayStack } from "./relayStack.ts";

/**
 * The relay for a local cloud, deployed by `npm run deploy:local`. It is an app of its own, so that no `cdk deploy --all`
 * puts a relay on AWS that may call its own loopback addresses.
 */

const app = new App();
// With the caller's own credentials: the roles of CDK's bootstrap have conditions that local clouds do not know.
const synthesizer = new CliCredentialsStackSynthesizer() as IStackSynthesizer;
new RelayStack(app, local, { synthesizer });
Aspects.of(app).add(new LocalDifferences());
