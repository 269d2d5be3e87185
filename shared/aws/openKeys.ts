import { type Callers, keyedCallers } from "../access/callers.ts";
import { KeyRing } from "../access/keyRing.ts";
import { KeyUse } from "../access/keyUse.ts";
import { RateLimit } from "../access/rateLimit.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { type Environment, requireVariable, type Settings } from "../runtime/settings.ts";
import { AccessKeyStore } from "./accessKeys.ts";
import { createApiKeyCheck } from "./apiKeys.ts";
import type { AwsClients } from "./clients.ts";
import { tables } from "./resources.ts";

export function openKeys(
  environment: Environment,
  { documents }: Pick<AwsClients, "documents">,
): AccessKeyStore {
  return new AccessKeyStore(documents, requireVariable(environment, tables.keys.variable));
}

/** Tells a function who calls it. */
export function openCallers(
  environment: Environment,
  store: AccessKeyStore,
  parts: { settings: Pick<Settings, "secretOverlapMillis">; clock: Clock; log: Log },
): Callers {
  return keyedCallers({
    isManagementKey: createApiKeyCheck(environment, parts),
    ring: new KeyRing(store, parts.clock),
    limit: new RateLimit(),
    use: new KeyUse(store, parts.clock, parts.log),
    nowEpochMillis: () => parts.clock.nowEpochMillis(),
  });
}
