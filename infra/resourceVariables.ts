import {
  type FunctionName,
  functions,
  namesOf,
  queues as queueList,
  type SecretRights,
  secrets as secretList,
  type TableName,
  tables,
} from "../shared/aws/resources.ts";
import type { RelayResources } from "./relayResources.ts";

/** The environment variables that name a function's resources. */
export function resourceVariables(
  name: FunctionName,
  { storage, queues, secrets }: RelayResources,
): Record<string, string> {
  const used = functions[name];
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
