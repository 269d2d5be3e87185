import { randomBytes, randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { createApiKeyCheck } from "../../shared/aws/apiKeys.ts";
import { createClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { queues, tables } from "../../shared/aws/resources.ts";
import { SessionStore } from "../../shared/aws/sessions.ts";
import { createTailSource } from "../../shared/aws/tailSource.ts";
import { WakeSender } from "../../shared/aws/wakeSender.ts";
import { createSecretSealer } from "../../shared/aws/webhookSecrets.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { createLambdaLog } from "../../shared/runtime/lambdaLog.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { type Environment, readSettings, requireVariable } from "../../shared/runtime/settings.ts";
import { createAddressGuard } from "../../shared/webhook/addressGuard.ts";
import { newSecret } from "../../shared/webhook/signature.ts";
import type { HandlerOptions } from "../handlerOptions.ts";
import { createApiApp } from "./app.ts";

/** People read the queue here and there; sessions have a cache of their own. */
const PAGE_CACHE_BYTES = 4 * 1024 * 1024;

export function createHandler(
  environment: Environment,
  options: HandlerOptions = {},
): (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2> {
  const settings = readSettings(environment);
  const { documents, sqs } = options.clients ?? createClients(environment);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLambdaLog("api");
  const queueTable = requireVariable(environment, tables.queue.variable);
  const references = new ReferenceStore(documents, queueTable);
  const pages = new PageStore(documents, queueTable);
  const parts = {
    tails: createTailSource(documents, queueTable),
    heads: new HeadStore(documents, queueTable),
    pages: new PageReader(pages, PAGE_CACHE_BYTES),
    pageTimes: pages,
    references,
    cursors: new CursorStore(
      documents,
      requireVariable(environment, tables.cursors.variable),
      references,
      randomUUID,
      clock,
    ),
    sessions: new SessionStore(documents, requireVariable(environment, tables.sessions.variable)),
    wakes: new WakeSender(sqs, {
      fast: requireVariable(environment, queues.wake.variable),
      slow: requireVariable(environment, queues.slow.variable),
    }),
    guard: createAddressGuard(settings.allowedAddressRanges),
    clock,
    newSessionId: () => `ses_${randomUUID().replaceAll("-", "")}`,
    newSecret: () => newSecret(randomBytes),
    sealSecret: createSecretSealer(environment),
    log,
    settings,
  };
  return answerHttpApi(createApiApp(parts, createApiKeyCheck(environment, { settings, clock, log }), log));
}

export const handler = onFirstEvent(createHandler);
