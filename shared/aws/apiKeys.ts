import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { RelayError } from "../errors.ts";
import { type ApiKeyCheck, type ApiKeys, fixedApiKey, rotatingApiKey } from "../http/apiKey.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type Environment, requireVariable, type Settings } from "../runtime/settings.ts";
import { clientSettings } from "./clients.ts";
import { secrets } from "./resources.ts";

const REQUEST_TIMEOUT_MILLIS = 5_000;

/** Checks keys against the secret that the environment names or, without one, against the key in the environment. */
export function createApiKeyCheck(
  environment: Environment,
  parts: { settings: Pick<Settings, "secretOverlapMillis">; clock: Clock; log: Log },
): ApiKeyCheck {
  const secretArn = environment[secrets.apiKey.variable];
  if (!secretArn) return fixedApiKey(requireVariable(environment, secrets.apiKey.plainVariable));
  const client = new SecretsManagerClient(
    clientSettings(environment, "SECRETS_MANAGER", REQUEST_TIMEOUT_MILLIS),
  );
  return rotatingApiKey({
    readKeys: () => readApiKeys(client, secretArn),
    overlapMillis: parts.settings.secretOverlapMillis,
    clock: parts.clock,
    log: parts.log,
  });
}

async function readApiKeys(client: SecretsManagerClient, secretArn: string): Promise<ApiKeys> {
  const [current, previous] = await Promise.all([
    client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionStage: "AWSCURRENT" })),
    readPrevious(client, secretArn),
  ]);
  if (!current.SecretString) throw new RelayError("api-key.missing", "the secret has no text");
  return {
    current: current.SecretString,
    currentSinceEpochMillis: current.CreatedDate?.getTime() ?? 0,
    previous,
  };
}

/** Undefined when the secret was never rotated. */
async function readPrevious(client: SecretsManagerClient, secretArn: string): Promise<string | undefined> {
  try {
    const { SecretString } = await client.send(
      new GetSecretValueCommand({ SecretId: secretArn, VersionStage: "AWSPREVIOUS" }),
    );
    return SecretString;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
