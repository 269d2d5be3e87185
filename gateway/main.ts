import { createClients, destroyClients } from "../shared/aws/clients.ts";
import { createCertificateReader } from "../shared/aws/gatewayCertificate.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { createLambdaLog } from "../shared/runtime/lambdaLog.ts";
import { runService } from "./service.ts";

/** The process of the AMI gateway on AWS (infra/gateway.ts). `npm start` runs the gateway in its own process. */
const log = createLambdaLog("gateway");
const stopping = new AbortController();
// Fargate sends SIGTERM, and kills the process a minute later.
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());

const clients = createClients(process.env);
try {
  await runService({
    environment: process.env,
    clients,
    clock: systemClock,
    log,
    readCertificateSecret: createCertificateReader(process.env),
    print: (line) => void process.stdout.write(`${line}\n`),
    stopping: stopping.signal,
    host: "0.0.0.0",
  });
} catch (error) {
  log.error("the AMI gateway cannot run", { error });
  process.exitCode = 1;
} finally {
  destroyClients(clients);
}
