import type { AwsClients } from "../shared/aws/clients.ts";
import { gatewayVariables } from "../shared/aws/resources.ts";
import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { type Environment, requireVariable } from "../shared/runtime/settings.ts";
import { numberIn } from "../shared/runtime/settingValues.ts";
import { type ReadCertificate, readCertificate } from "./certificate.ts";
import type { RunningGateway } from "./gateway.ts";
import { metricLine } from "./metricLine.ts";
import { startRelayGateway } from "./relayGateway.ts";

export interface ServiceParts {
  readonly environment: Environment;
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly log: Log;
  /** The secret of the certificate as it is now. */
  readCertificateSecret(): Promise<string>;
  /** Writes a line of metrics. */
  print(line: string): void;
  /** Aborts when the process is asked to stop. */
  readonly stopping: AbortSignal;
  readonly host: string;
}

const METRICS_EVERY_MILLIS = 60_000;

/** A renewed certificate is used within this time, without a restart. */
const CERTIFICATE_EVERY_MILLIS = 3_600_000;

/** The clients of a task that stops log in to the others, at this rate and within half of the minute that Fargate gives. */
const DRAIN_MILLIS_PER_CONNECTION = 20;
const MOST_DRAIN_MILLIS = 30_000;

const DAY_MILLIS = 86_400_000;

/** Runs the gateway on AWS until it is asked to stop, and resolves when its connections are closed. */
export async function runService(parts: ServiceParts): Promise<void> {
  const { environment, clock, log, stopping, host } = parts;
  const port = (name: string) => portIn(environment, name);
  let read = readCertificate(await parts.readCertificateSecret());
  const gateway = await startRelayGateway({
    ...parts,
    listen: {
      host,
      port: port(gatewayVariables.plainPort),
      tlsPort: Number(requireVariable(environment, gatewayVariables.tlsPort)),
      httpsPort: port(gatewayVariables.httpsPort),
      certificate: read.certificate,
    },
  });
  log.info("the AMI gateway listens", { ports: gateway.ports });
  await Promise.all([
    every(METRICS_EVERY_MILLIS, clock, stopping, () => recordMetrics(parts, gateway, read)),
    every(CERTIFICATE_EVERY_MILLIS, clock, stopping, async () => {
      read = await renewed(parts, gateway, read);
    }),
  ]);
  log.info("the AMI gateway stops", { connections: gateway.connections });
  await gateway.stop(Math.min(MOST_DRAIN_MILLIS, DRAIN_MILLIS_PER_CONNECTION * gateway.connections));
}

/** Undefined for 0 and for a port that is not named. */
function portIn(environment: Environment, name: string): number | undefined {
  return (
    numberIn(environment, name, 0, { least: 0, most: 65_535, unit: "a port", isWhole: true }) || undefined
  );
}

async function every(millis: number, clock: Clock, stopping: AbortSignal, work: () => Promise<void>) {
  while (!stopping.aborted) {
    await work();
    await clock.sleep(millis, stopping);
  }
}

async function recordMetrics(
  { environment, clock, print }: ServiceParts,
  gateway: RunningGateway,
  { expiresAtEpochMillis }: ReadCertificate,
): Promise<void> {
  const now = clock.nowEpochMillis();
  const values = {
    GatewayConnections: gateway.connections,
    GatewayCertificateDays: Math.floor((expiresAtEpochMillis - now) / DAY_MILLIS),
  };
  print(metricLine(environment[metricVariables.namespace] || "stasis-relay", values, now));
}

/** Connections that are open keep their certificate. One that cannot be read or used is left, and tried again. */
async function renewed(
  { log, readCertificateSecret }: ServiceParts,
  gateway: RunningGateway,
  current: ReadCertificate,
): Promise<ReadCertificate> {
  try {
    const read = readCertificate(await readCertificateSecret());
    if (
      read.certificate.cert === current.certificate.cert &&
      read.certificate.key === current.certificate.key
    )
      return current;
    gateway.useCertificate(read.certificate);
    log.info("the AMI gateway uses a new certificate", { expiresAtEpochMillis: read.expiresAtEpochMillis });
    return read;
  } catch (error) {
    log.error("the certificate of the AMI gateway cannot be renewed; the one before is used", { error });
    return current;
  }
}
