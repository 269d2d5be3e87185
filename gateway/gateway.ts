import { randomInt } from "node:crypto";
import { cpuMillis } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { createJudges } from "../shared/sessions/judge.ts";

import { Fanouts } from "./fanout/fanouts.ts";
import type { QueueParts } from "./fanout/feedSource.ts";
import { ManagerHttpServer } from "./http/managerHttpServer.ts";
import type { Positions } from "./positions.ts";
import { Acknowledgements } from "./server/acknowledgements.ts";
import { Logins } from "./server/logins.ts";
import { type Certificate, ManagerServer, Places } from "./server/managerServer.ts";
import type { GatewayParts } from "./server/parts.ts";
import { type ReadSendQueues, readSendQueues } from "./server/sendQueues.ts";
import { DEFAULT_LIMITS, type GatewayLimits } from "./settings.ts";
import type { AmiUsers } from "./users.ts";

export interface GatewayOptions {
  readonly users: AmiUsers;
  readonly positions: Positions;
  readonly queue: QueueParts;
  readonly log: Log;
  readonly limits?: Partial<GatewayLimits>;
  readonly listen: GatewayPorts;
  /** Where the kernel says what clients have acknowledged, if not Linux's tables. */
  readonly readSendQueues?: ReadSendQueues;
}

/** Port 0 is a free one; a port that is not given is not opened. */
export interface GatewayPorts {
  readonly host: string;
  readonly port?: number | undefined;
  readonly httpPort?: number | undefined;
  /** These two need a certificate. */
  readonly tlsPort?: number | undefined;
  readonly httpsPort?: number | undefined;
  readonly certificate?: Certificate | undefined;
}

export type PortName = "port" | "tlsPort" | "httpPort" | "httpsPort";

export interface RunningGateway {
  /** The ports that are open. */
  readonly ports: Readonly<Partial<Record<PortName, number>>>;
  /** Connections over TCP and TLS. */
  readonly connections: number;
  /** New connections get this certificate; those that are open keep theirs. */
  useCertificate(certificate: Certificate): void;
  /**
   * Accepts nobody any more, closes each connection on a message border and writes the last positions. It takes a few
   * seconds when clients do not read. Never rejects.
   */
  stop(): Promise<void>;
}

/** Starts the AMI server on the given ports. Rejects when one cannot be opened; then none is. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { clock } = options.queue;
  const fanouts = new Fanouts(options.queue, options.log);
  const acknowledgements = new Acknowledgements({
    read: options.readSendQueues ?? ((keys) => readSendQueues(keys)),
    clock,
    log: options.log,
    stalledAfterMillis: limits.writeTimeoutMillis,
  });
  const parts: GatewayParts = {
    ...options,
    limits,
    acknowledgements,
    clock,
    fanouts,
    judgeOf: createJudges(cpuMillis, clock),
    challenge: () => String(randomInt(100_000_000, 2 ** 31)),
  };
  const logins = new Logins(parts);
  const places = new Places(limits);
  const { host, certificate } = options.listen;
  const managers: ManagerServer[] = [];
  const webs: ManagerHttpServer[] = [];
  const ports: Partial<Record<PortName, number>> = {};
  const stop = async () => {
    await Promise.all([...managers, ...webs].map((server) => server.stop()));
    await Promise.all([fanouts.stop(), acknowledgements.stop()]);
  };
  try {
    for (const name of ["port", "tlsPort", "httpPort", "httpsPort"] as const) {
      const asked = options.listen[name];
      const isTls = name === "tlsPort" || name === "httpsPort";
      if (asked === undefined || (isTls && certificate === undefined)) continue;
      const tls = isTls ? certificate : undefined;
      if (name === "port" || name === "tlsPort") {
        const server = new ManagerServer(parts, logins, places, tls);
        ports[name] = await server.listen(asked, host);
        managers.push(server);
      } else {
        const server = new ManagerHttpServer(parts, logins, tls);
        ports[name] = await server.listen(asked, host);
        webs.push(server);
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports,
    get connections() {
      return managers.reduce((sum, { connections }) => sum + connections, 0);
    },
    useCertificate: (next) => {
      for (const server of [...managers, ...webs]) server.useCertificate(next);
    },
    stop,
  };
}
