import type { AwsClients } from "../shared/aws/clients.ts";
import { openGateway } from "../shared/aws/openGateway.ts";
import { createSecretOpener } from "../shared/aws/webhookSecrets.ts";
import { PageReader } from "../shared/queue/pageReader.ts";
import type { Clock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { type Environment, readSettings } from "../shared/runtime/settings.ts";
import { type GatewayPorts, type RunningGateway, startGateway } from "./gateway.ts";
import type { GatewayLimits } from "./settings.ts";
import { RelayPositions } from "./store/positions.ts";
import { RelayUsers } from "./store/users.ts";

export interface RelayGatewayOptions {
  /** Names the tables and the key of the secrets, and holds the relay's settings. */
  readonly environment: Environment;
  readonly clients: AwsClients;
  readonly clock: Clock;
  readonly log: Log;
  readonly listen: GatewayPorts;
  readonly limits?: Partial<GatewayLimits>;
}

/** Starts a gateway over a relay's tables. Rejects when a port cannot be opened. */
export function startRelayGateway(options: RelayGatewayOptions): Promise<RunningGateway> {
  const { environment, clients, clock, log, listen, limits = {} } = options;
  const { users, cursors, tails, pages } = openGateway(environment, clients, clock);
  const settings = readSettings(environment);
  return startGateway({
    users: new RelayUsers({ users, openSecrets: createSecretOpener(environment), clock }),
    positions: new RelayPositions({ users, cursors, tails, clock, log, settings }),
    queue: {
      pages: new PageReader(pages),
      tails,
      clock,
      retention: { millis: settings.retentionMillis, messages: settings.retentionMessages },
    },
    log,
    listen,
    limits,
  });
}
