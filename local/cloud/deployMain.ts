import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { RelayError } from "../../shared/errors.ts";
import { exportLine } from "../shell.ts";
import { bootstrap, deploy } from "./deploy.ts";
import { readDeployment } from "./deployment.ts";
import { checkLocalCloud } from "./environment.ts";

/** `npm run deploy:local` deploys the stack to the local cloud at AWS_ENDPOINT_URL, and prints how to call it. */
new Command("deploy:local")
  .description(
    "Deploys the stack to the local cloud at AWS_ENDPOINT_URL, and prints how to call it (docs/local-clouds.md)",
  )
  .parse();
onReaderGone();
try {
  await checkLocalCloud(process.env);
  await bootstrap(process.env);
  await deploy(process.env);
  const { url, apiKey } = await readDeployment(process.env);
  process.stdout.write(`\n${exportLine({ RELAY_URL: url, RELAY_API_KEY: apiKey })}\n`);
} catch (error) {
  // These say what to do. A stack trace would only hide it.
  if (!(error instanceof RelayError)) throw error;
  process.stderr.write(`deploy:local: ${error.message}\n`);
  process.exitCode = 1;
}
