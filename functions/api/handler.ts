import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { builtAssets } from "../../console/server/assets.ts";
import { newKeyText } from "../../shared/access/keyText.ts";
import { openAttempts } from "../../shared/aws/attempts.ts";
import { openCallers, openKeys } from "../../shared/aws/openKeys.ts";
import { openSessions } from "../../shared/aws/openSessions.ts";
import { createSecretSealer } from "../../shared/aws/webhookSecrets.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import type { SessionKind } from "../../shared/sessions/session.ts";
import { createAddressGuard } from "../../shared/webhook/addressGuard.ts";
import { newSecret } from "../../shared/webhook/signature.ts";
import { groupIdOf } from "../groupId.ts";
import { defineHandler } from "../handlerParts.ts";
import { createApiApp } from "./app.ts";
import { InTurn } from "./inTurn.ts";

/** Small, because people read few pages. Deliver serves the sessions and has its own cache. */
const PAGE_CACHE_BYTES = 4 * 1024 * 1024;

/** 192 bits: 32 characters, within every client's limits. */
const AMI_SECRET_BYTES = 24;

export const createHandler = defineHandler("api", (environment, parts) => {
  const stores = openSessions(environment, parts.clients, parts.clock);
  const keys = openKeys(environment, parts.clients);
  const ports = {
    ...parts,
    ...stores,
    pages: new PageReader(stores.pages, PAGE_CACHE_BYTES),
    pageTimes: stores.pages,
    keys,
    attempts: openAttempts(environment, parts.clients, parts.clock),
    guard: createAddressGuard(parts.settings.allowedAddressRanges),
    random: Math.random,
    newSessionId: () => `ses_${randomUUID().replaceAll("-", "")}`,
    newGroupId: () => groupIdOf(randomUUID()),
    groupChanges: new InTurn(),
    newTestId: () => `tst_${randomUUID().replaceAll("-", "")}`,
    newKeyText: () => newKeyText(randomBytes),
    // An AMI client sends its secret in a header: no whsec_, and no characters that configuration files treat differently.
    newSecret: (kind: SessionKind, bytes: (size: number) => Buffer = randomBytes) =>
      kind === "ami" ? bytes(AMI_SECRET_BYTES).toString("base64url") : newSecret(bytes),
    newSalt: () => randomBytes(32).toString("base64url"),
    sealSecret: createSecretSealer(environment),
  };
  const callers = openCallers(environment, keys, parts);
  // Built beside the function (infra/api.ts), unless the host has them from elsewhere.
  const consoleAssets = parts.consoleAssets ?? builtAssets(join(import.meta.dirname, "console"));
  return answerHttpApi(createApiApp(ports, callers, consoleAssets, parts.log));
});

export const handler = onFirstEvent(createHandler);
