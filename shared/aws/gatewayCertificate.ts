import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { RelayError } from "../errors.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import { clientSettings } from "./clients.ts";
import { gatewayVariables } from "./resources.ts";

const REQUEST_TIMEOUT_MILLIS = 5_000;

/** Reads the secret that the environment names, in its current version. */
export function createCertificateReader(environment: Environment): () => Promise<string> {
  const SecretId = requireVariable(environment, gatewayVariables.certificate);
  const client = new SecretsManagerClient(
    clientSettings(environment, "SECRETS_MANAGER", REQUEST_TIMEOUT_MILLIS),
  );
  return async () => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }));
    if (!SecretString)
      throw new RelayError("certificate.missing", "the secret of the certificate has no text");
    return SecretString;
  };
}
