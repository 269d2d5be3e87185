import { connect } from "node:net";
import { SettingsError } from "../shared/errors.ts";
import type { Environment } from "../shared/runtime/settings.ts";
import type { Credentials } from "./engines/signature.ts";

/** Where the two services answer. */
export interface Endpoints {
  readonly dynamodb: string;
  readonly sqs: string;
}

type Service = keyof Endpoints;

const SETTING: Readonly<Record<Service, string>> = {
  dynamodb: "AWS_ENDPOINT_URL_DYNAMODB",
  sqs: "AWS_ENDPOINT_URL_SQS",
};
const COMMON_SETTING = "AWS_ENDPOINT_URL";
const EXAMPLE = "http://127.0.0.1:4566";

const CONNECT_MILLIS = 5_000;

/** The variable that names a service's endpoint; undefined when none does. */
function settingOf(environment: Environment, service: Service): string | undefined {
  return [SETTING[service], COMMON_SETTING].find((name) => environment[name]);
}

/**
 * The endpoints that the operator named; a service without one gets an embedded engine.
 * @throws SettingsError when one is no URL of a server
 */
export function givenEndpoints(environment: Environment): Partial<Endpoints> {
  const endpointOf = (service: Service) => {
    const setting = settingOf(environment, service);
    return setting === undefined ? {} : { [service]: readEndpoint(environment, setting) };
  };
  return { ...endpointOf("dynamodb"), ...endpointOf("sqs") };
}

/** The URL in a variable. `localhost:4566` parses as well, as a URL of the scheme `localhost:`. */
export function readEndpoint(environment: Environment, setting: string): string {
  const text = environment[setting]?.trim() ?? "";
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== "") return text;
  throw new SettingsError(setting, `must be the URL of a server, such as ${EXAMPLE}; "${text}" is not`);
}

/** @throws SettingsError that names the variable when nothing listens at a given endpoint */
export async function checkReachable(environment: Environment): Promise<void> {
  const given = givenEndpoints(environment);
  await Promise.all(
    (Object.keys(given) as Service[]).map((service) =>
      checkConnection(settingOf(environment, service) ?? "", new URL(given[service] ?? "")),
    ),
  );
}

async function checkConnection(setting: string, { protocol, hostname, port }: URL): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (protocol === "https:" ? 443 : 80),
    timeout: CONNECT_MILLIS,
  });
  socket.once("connect", resolve);
  socket.once("timeout", () => reject(new Error(`no answer within ${CONNECT_MILLIS} ms`)));
  socket.once("error", reject);
  try {
    await promise;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : String(error);
    const what = code === "ECONNREFUSED" ? "nothing listens there" : String(code);
    throw new SettingsError(
      setting,
      `${protocol}//${hostname}:${port} cannot be reached (${what}); is it started?`,
    );
  } finally {
    socket.destroy();
  }
}

/** What was given, for an error of a server that does not answer as AWS does. */
export function namedEndpoints(environment: Environment): string[] {
  const settings = (["dynamodb", "sqs"] as const).map((service) => settingOf(environment, service));
  return [...new Set(settings.filter((setting) => setting !== undefined))].map(
    (setting) => `${setting}=${environment[setting]}`,
  );
}

const MADE_UP = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };

const PASSED_ON =
  /^AWS_(REGION|DEFAULT_REGION|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|(ACCESS_KEY_ID|SECRET_ACCESS_KEY)_(DYNAMODB|SQS))$/;

/**
 * The AWS variables for the functions. An embedded engine has keys of its own. Other local endpoints accept any region
 * and key, so where none is given, made-up ones serve; but an endpoint at AWS itself never gets those, so that the SDK
 * looks for real ones as usual. With two embedded engines nothing of the shell is used: real keys have no business
 * there, and data that are kept over a restart must not depend on the region that a shell happens to name.
 */
export function connectionVariables(
  environment: Environment,
  endpoints: Endpoints,
  credentials: Partial<Readonly<Record<Service, Credentials>>> = {},
): Record<string, string> {
  const engineVariables = {
    [SETTING.dynamodb]: endpoints.dynamodb,
    [SETTING.sqs]: endpoints.sqs,
    ...keyVariables("DYNAMODB", credentials.dynamodb),
    ...keyVariables("SQS", credentials.sqs),
  };
  const given = givenEndpoints(environment);
  if (given.dynamodb === undefined && given.sqs === undefined) return { ...MADE_UP, ...engineVariables };

  const named = Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => PASSED_ON.test(entry[0]) && !!entry[1],
    ),
  );
  if (isAtAws(endpoints.dynamodb) || isAtAws(endpoints.sqs)) return { ...named, ...engineVariables };
  const hasRegion = "AWS_REGION" in named || "AWS_DEFAULT_REGION" in named;
  const hasCredentials = "AWS_ACCESS_KEY_ID" in named || Boolean(environment.AWS_PROFILE);
  return {
    ...(hasRegion ? {} : { AWS_REGION: MADE_UP.AWS_REGION }),
    ...(hasCredentials
      ? {}
      : {
          AWS_ACCESS_KEY_ID: MADE_UP.AWS_ACCESS_KEY_ID,
          AWS_SECRET_ACCESS_KEY: MADE_UP.AWS_SECRET_ACCESS_KEY,
        }),
    ...named,
    ...engineVariables,
  };
}

function keyVariables(service: string, credentials: Credentials | undefined): Record<string, string> {
  if (credentials === undefined) return {};
  return {
    [`AWS_ACCESS_KEY_ID_${service}`]: credentials.accessKeyId,
    [`AWS_SECRET_ACCESS_KEY_${service}`]: credentials.secretAccessKey,
  };
}

export function isAtAws(endpoint: string): boolean {
  return /(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$/.test(new URL(endpoint).hostname);
}
