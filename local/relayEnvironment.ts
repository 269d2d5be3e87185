import { keyIdIn } from "../shared/access/keyText.ts";
import {
  namesOf,
  queues,
  type ServiceName,
  secrets,
  services,
  type TableName,
  tables,
} from "../shared/aws/resources.ts";
import { SettingsError } from "../shared/errors.ts";
import { hostnameOf, isLoopbackName } from "../shared/http/hosts.ts";
import type { Log } from "../shared/runtime/log.ts";
import { metricVariables } from "../shared/runtime/metricNames.ts";
import { type Environment, SETTING_NAMES } from "../shared/runtime/settings.ts";
import { listIn, numberIn, unknownSettings } from "../shared/runtime/settingValues.ts";
import type { Provisioned } from "./provision.ts";

/**
 * What is different on one machine: a known key, webhooks to programs beside the relay, and a pace at which a
 * person can watch hints being repaired and segments being freed.
 */
export function withLocalDefaults(environment: Environment): Environment {
  return {
    ...environment,
    RELAY_API_KEY: apiKeyOf(environment),
    RELAY_ALLOWED_ADDRESS_RANGES: environment.RELAY_ALLOWED_ADDRESS_RANGES ?? "127.0.0.0/8,::1/128",
    RELAY_ALLOW_HTTP: environment.RELAY_ALLOW_HTTP || "1",
    RELAY_FREE_GRACE_SECONDS: environment.RELAY_FREE_GRACE_SECONDS || "30",
    RELAY_ATTEMPT_SECONDS: environment.RELAY_ATTEMPT_SECONDS || "5",
  };
}

/** A day at most: timers overflow at 24.8 days. */
export function sweepIntervalMillis(environment: Environment): number {
  const rule = { least: 0.1, most: 86_400, unit: "seconds" };
  return numberIn(environment, "RELAY_SWEEP_SECONDS", 5, rule) * 1000;
}

export function portOf(environment: Environment): number {
  const rule = { least: 0, most: 65_535, unit: "a port", isWhole: true };
  return numberIn(environment, "PORT", 8080, rule);
}

const AMI_PORT = 5038;

/** Where AMI clients connect; undefined when AMI_PORT is 0. `isChosen`: the operator has named the port. */
export function amiPortOf(environment: Environment): { port: number; isChosen: boolean } | undefined {
  const rule = { least: 0, most: 65_535, unit: "a port", isWhole: true };
  const port = numberIn(environment, "AMI_PORT", AMI_PORT, rule);
  return port === 0 ? undefined : { port, isChosen: Boolean(environment.AMI_PORT) };
}

/** Where AMI over HTTP is served; undefined unless AMI_HTTP_PORT names a port. */
export function amiHttpPortOf(environment: Environment): number | undefined {
  const rule = { least: 0, most: 65_535, unit: "a port", isWhole: true };
  return numberIn(environment, "AMI_HTTP_PORT", 0, rule) || undefined;
}

/** Names by which the HTTP interface may be called, besides those of this machine. */
export function allowedHostsOf(environment: Environment): string[] {
  return listIn(environment, "RELAY_ALLOWED_HOSTS").map((text) => {
    const hostname = hostnameOf(text);
    if (hostname !== undefined) return hostname;
    throw new SettingsError(
      "RELAY_ALLOWED_HOSTS",
      `must be host names, separated by commas; "${text}" is not`,
    );
  });
}

const KNOWN_KEY = "local";

/**
 * The key that callers name. Everybody knows the default one, so it opens the relay to this machine alone.
 * @throws SettingsError when others than this machine could call with the default key, or nobody with this one
 */
export function apiKeyOf(environment: Environment): string {
  const key = environment.RELAY_API_KEY || KNOWN_KEY;
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new SettingsError("RELAY_API_KEY", "must have visible ASCII characters only, without blanks");
  if (keyIdIn(key) !== undefined)
    throw new SettingsError(
      "RELAY_API_KEY",
      "must not have the form of the keys that the relay makes (srk_…)",
    );
  if (key === KNOWN_KEY && !isLoopbackName(hostOf(environment)))
    throw new SettingsError(
      "RELAY_API_KEY",
      `must be set to a key of your own when HOST is ${environment.HOST}: everybody knows the default one`,
    );
  return key;
}

/** The address to listen on, without the brackets of a URL. */
export function hostOf(environment: Environment): string {
  return (environment.HOST?.trim() || "127.0.0.1").replace(/^\[(.*)\]$/, "$1");
}

/** Other programs read these; an operator's shell may export them. */
const OTHER_PROGRAMS = ["RELAY_URL", queues.ingest.variable];

const KNOWN_SETTINGS: ReadonlySet<string> = new Set([
  ...SETTING_NAMES,
  secrets.apiKey.plainVariable,
  ...Object.values(metricVariables),
  ...OTHER_PROGRAMS,
  "RELAY_ALLOWED_HOSTS",
  "RELAY_DATA_DIR",
  "RELAY_SWEEP_SECONDS",
]);

/**
 * Says which `RELAY_*` variables nobody reads. A warning and not an error: a shell may hold those of another version.
 */
export function warnOfUnknownSettings(environment: Environment, log: Log): void {
  const names = unknownSettings(environment, KNOWN_SETTINGS);
  if (names.length > 0)
    log.warn(`unknown settings, which change nothing: ${names.join(", ")}`, {
      known: "docs/operating.md",
    });
}

/** An operator cannot set these: each function is given its own resources only. */
const RESOURCE_VARIABLES = new Set<string>([
  ...[tables, queues, secrets].flatMap((list) => Object.values(list).map(({ variable }) => variable)),
  secrets.apiKey.plainVariable,
]);

/** The environment of one function, or of the gateway: the operator's settings, the connection to AWS, and its own resources only. */
export function functionEnvironment(
  name: ServiceName,
  environment: Environment,
  connection: Environment,
  provisioned: Provisioned,
): Environment {
  const told = services[name];
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
