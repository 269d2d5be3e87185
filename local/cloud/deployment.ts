import { readFile } from "node:fs/promises";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import { clientSettings } from "../../shared/aws/clients.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { OUTPUTS_FILE } from "./deploy.ts";
import { type LocalCloud, localCloud } from "./environment.ts";

export interface Deployment {
  readonly url: string;
  readonly apiKey: string;
  readonly ingestQueueUrl: string;
}

const outputsSchema = z.object({
  "stasis-relay-local": z.object({
    ApiUrl: z.url(),
    ManagementKeySecretArn: z.string(),
    IngestQueueUrl: z.url(),
  }),
});

/** How to call the relay that was last deployed to the local cloud. */
export async function readDeployment(environment: Environment): Promise<Deployment> {
  const cloud = localCloud(environment);
  const { "stasis-relay-local": outputs } = outputsSchema.parse(
    JSON.parse(await readFile(OUTPUTS_FILE, "utf8")),
  );
  return {
    url: localUrl(cloud, new URL(outputs.ApiUrl)),
    apiKey: await readSecret(cloud, outputs.ManagementKeySecretArn),
    ingestQueueUrl: outputs.IngestQueueUrl,
  };
}

/**
 * The HTTP API's URL at the cloud's own address. The API's host name (`ID.execute-api.…`) belongs to AWS, or does not
 * resolve on every system. LocalStack and ministack both serve this path instead.
 */
function localUrl(cloud: LocalCloud, apiUrl: URL): string {
  const [apiId] = apiUrl.hostname.split(".");
  return `${cloud.endpoint}/_aws/execute-api/${apiId}/$default`;
}

async function readSecret(cloud: LocalCloud, arn: string): Promise<string> {
  const client = new SecretsManagerClient(clientSettings(cloud.variables, "SECRETS_MANAGER", 5_000));
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  client.destroy();
  return z.string().min(1).parse(SecretString);
}
