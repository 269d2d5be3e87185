import {
  namesOf,
  queues as queueList,
  type SecretRights,
  type ServiceName,
  secrets as secretList,
  services,
  type TableName,
  tables,
} from "../shared/aws/resources.ts";
import type { RelayResources } from "./relayResources.ts";

/** The environment variables that name the resources of a function or the gateway. */
export function resourceVariables(
  name: ServiceName,
  { storage, queues, secrets }: RelayResources,
): Record<string, string> {
  const used = services[name];
  const secretArns = { apiKey: secrets.managementKeyArn, webhookSecrets: secrets.webhookSecretKey.keyArn };
  return Object.fromEntries([
    ...namesOf<TableName>(used.tables).map((table) => [tables[table].variable, storage[table].tableName]),
    ...used.sendsTo.map((queue) => [queueList[queue].variable, queues[queue].queue.queueUrl]),
    ...namesOf<keyof SecretRights>(used.secrets).map((secret) => [
      secretList[secret].variable,
      secretArns[secret],
    ]),
  ]);
}
