import { Command } from "commander";
import { bootstrap, deploy } from "./deploy.ts";
import { readDeployment } from "./deployment.ts";

/** `npm run deploy:local` deploys the stack to the local cloud at AWS_ENDPOINT_URL, and prints how to call it. */
new Command("deploy:local")
  .description(
    "Deploys the stack to the local cloud at AWS_ENDPOINT_URL, and prints how to call it (docs/local-clouds.md)",
  )
  .parse();
await bootstrap(process.env);
await deploy(process.env);
const { url, apiKey } = await readDeployment(process.env);
process.stdout.write(`\nexport RELAY_URL='${url}' RELAY_API_KEY='${apiKey}'\n`);
