import {
  type FunctionName,
  functions,
  namesOf,
  queues,
  secrets,
  type TableName,
  tables,
} from "../shared/aws/resources.ts";
import { SettingsError } from "../shared/errors.ts";
import type { Environment } from "../shared/runtime/settings.ts";
import type { Provisioned } from "./provision.ts";

/**
 * What is different on one machine: a known key, webhooks to programs beside the relay, and a pace at which a
 * person can watch hints being repaired and segments being freed.
 */
export function withLocalDefaults(environment: Environment): Environment {
  return {
    ...environment,
    RELAY_API_KEY: environment.RELAY_API_KEY || "local",
    RELAY_ALLOWED_ADDRESS_RANGES: environment.RELAY_ALLOWED_ADDRESS_RANGES ?? "127.0.0.0/8,::1/128",
    RELAY_ALLOW_HTTP: environment.RELAY_ALLOW_HTTP || "1",
    RELAY_SWEEP_SECONDS: environment.RELAY_SWEEP_SECONDS || "5",
    RELAY_FREE_GRACE_SECONDS: environment.RELAY_FREE_GRACE_SECONDS || "30",
    PORT: environment.PORT || "8080",
    HOST: environment.HOST || "127.0.0.1",
  };
}

export function sweepIntervalMillis(environment: Environment): number {
  const seconds = Number(environment.RELAY_SWEEP_SECONDS);
  if (!(seconds >= 0.1)) throw new SettingsError("RELAY_SWEEP_SECONDS", "must be a number of at least 0.1");
  return seconds * 1000;
}

export function portOf(environment: Environment): number {
  const port = Number(environment.PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new SettingsError("PORT", `must be a port number, not "${environment.PORT}"`);
  return port;
}

/** An operator cannot set these: each function is given its own resources only. */
const RESOURCE_VARIABLES = new Set<string>([
  ...[tables, queues, secrets].flatMap((list) => Object.values(list).map(({ variable }) => variable)),
  secrets.apiKey.plainVariable,
]);

/** The environment of one function: the operator's settings, the connection to AWS, and its own resources only. */
export function functionEnvironment(
  name: FunctionName,
  environment: Environment,
  connection: Environment,
  provisioned: Provisioned,
): Environment {
  const told = functions[name];
  const settings = Object.entries(environment).filter(
    ([variable]) => variable.startsWith("RELAY_") && !RESOURCE_VARIABLES.has(variable),
  );
  return {
    ...Object.fromEntries(settings),
    ...connection,
    ...Object.fromEntries([
      ...namesOf<TableName>(told.tables).map((table) => [
        tables[table].variable,
        provisioned.tableNames[table],
      ]),
      ...told.sendsTo.map((queue) => [queues[queue].variable, provisioned.queues[queue].url]),
    ]),
    // One machine has no Secrets Manager, and no KMS for webhook secrets.
    ...(told.secrets.apiKey && {
      [secrets.apiKey.plainVariable]: environment[secrets.apiKey.plainVariable],
    }),
  };
}
