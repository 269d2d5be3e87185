import { environmentNames, type FunctionName } from "../shared/aws/resources.ts";
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

/** One machine has no Secrets Manager and no KMS. */
type Resource = Exclude<keyof typeof environmentNames, "apiKeySecretArn" | "webhookSecretKeyArn">;

/** Which resources each function is told of: on AWS its role reaches no others. */
const resourcesOf: Readonly<Record<FunctionName, readonly Resource[]>> = {
  ingest: ["queueTable", "notifyQueueUrl", "apiKey"],
  notify: ["queueTable", "cursorsTable", "wakeQueueUrl", "slowQueueUrl"],
  deliver: ["queueTable", "cursorsTable", "sessionsTable", "wakeQueueUrl", "slowQueueUrl"],
  sweep: ["queueTable", "cursorsTable", "wakeQueueUrl", "slowQueueUrl"],
  api: ["queueTable", "cursorsTable", "sessionsTable", "wakeQueueUrl", "slowQueueUrl", "apiKey"],
};

/** The environment of one function: the operator's settings, the way to AWS, and its own resources only. */
export function functionEnvironment(
  name: FunctionName,
  environment: Environment,
  connection: Environment,
  { tableNames, queues }: Provisioned,
): Environment {
  const resources: Readonly<Record<Resource, string | undefined>> = {
    queueTable: tableNames.queue,
    cursorsTable: tableNames.cursors,
    sessionsTable: tableNames.sessions,
    notifyQueueUrl: queues.notify.url,
    wakeQueueUrl: queues.wake.url,
    slowQueueUrl: queues.slow.url,
    apiKey: environment.RELAY_API_KEY,
  };
  const resourceNames = new Set<string>(Object.values(environmentNames));
  const settings = Object.entries(environment).filter(
    ([variable]) => variable.startsWith("RELAY_") && !resourceNames.has(variable),
  );
  const own = resourcesOf[name].map((resource) => [environmentNames[resource], resources[resource]]);
  return { ...Object.fromEntries(settings), ...connection, ...Object.fromEntries(own) };
}
