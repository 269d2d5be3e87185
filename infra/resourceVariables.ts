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
import type { RelayParts } from "./relayParts.ts";

/** The environment variables that name a function's resources. */
export function resourceVariables(
  name: FunctionName,
  { storage, queues, secrets }: RelayParts,
): Record<string, string> {
  const told = functions[name];
  const secretArns = { apiKey: secrets.managementKeyArn, webhookSecrets: secrets.webhookSecretKey.keyArn };
  return Object.fromEntries([
    ...namesOf<TableName>(told.tables).map((table) => [tables[table].variable, storage[table].tableName]),
    ...told.sendsTo.map((queue) => [queueList[queue].variable, queues[queue].queue.queueUrl]),
    ...namesOf<keyof SecretRights>(told.secrets).map((secret) => [
      secretList[secret].variable,
      secretArns[secret],
    ]),
  ]);
}
