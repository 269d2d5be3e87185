import { randomUUID } from "node:crypto";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { WakeSender } from "../../shared/aws/hints.ts";
import { environmentNames } from "../../shared/aws/names.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { SessionStore } from "../../shared/aws/sessions.ts";
import { createSecretOpener } from "../../shared/aws/webhookSecrets.ts";
import { createFollowers } from "../../shared/queue/follower.ts";
import { wakeHintSchema } from "../../shared/queue/hints.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import { cpuMillis, systemClock } from "../../shared/runtime/clock.ts";
import { createLambdaLog } from "../../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../../shared/runtime/lambdaMetrics.ts";
import { publishing } from "../../shared/runtime/metrics.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { type Environment, readSettings, requireVariable } from "../../shared/runtime/settings.ts";
import { processInGroups, readHints } from "../../shared/runtime/sqsBatch.ts";
import { selectionCache } from "../../shared/sessions/selection.ts";
import { createAddressGuard } from "../../shared/webhook/addressGuard.ts";
import { turnMillis } from "../../shared/webhook/lane.ts";
import { createWebhookClient } from "../../shared/webhook/webhookClient.ts";
import type { HandlerOptions } from "../handlerOptions.ts";
import { deliver } from "./deliver.ts";

/** A few hundred pages: what the sessions of one process are likely to read at the same time. */
const PAGE_CACHE_BYTES = 16 * 1024 * 1024;

export function createHandler(
  environment: Environment,
  options: HandlerOptions = {},
): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const settings = readSettings(environment);
  const { documents, sqs } = options.clients ?? createClients(environment);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLambdaLog("deliver");
  const metrics = options.metrics ?? createLambdaMetrics("deliver", environment);
  const queueTable = requireVariable(environment, environmentNames.queueTable);
  const sessions = new SessionStore(documents, requireVariable(environment, environmentNames.sessionsTable));
  const parts = {
    cursors: new CursorStore(
      documents,
      requireVariable(environment, environmentNames.cursorsTable),
      new ReferenceStore(documents, queueTable),
      randomUUID,
    ),
    sessions: {
      readSession: (id: string) => sessions.readSession(id),
      openSecrets: createSecretOpener(environment),
    },
    followerOf: createFollowers(
      new PageReader(new PageStore(documents, queueTable), PAGE_CACHE_BYTES),
      clock,
    ),
    wakes: new WakeSender(sqs, {
      fast: requireVariable(environment, environmentNames.wakeQueueUrl),
      slow: requireVariable(environment, environmentNames.slowQueueUrl),
    }),
    webhook:
      options.webhook ??
      createWebhookClient({
        guard: createAddressGuard(settings.allowedAddressRanges),
        requestTimeoutMillis: settings.requestTimeoutMillis,
      }),
    selectionOf: selectionCache(cpuMillis),
    clock,
    random: Math.random,
    log,
    metrics,
    settings,
    stopping: options.stopping ?? new AbortController().signal,
  };

  return publishing(metrics, async ({ Records }) => {
    const hints = readHints(Records, wakeHintSchema, log);
    const turn = turnMillis(hints.size, settings.turnMillis);
    return processInGroups(
      [...hints.keys()],
      // Doubled wakes of one session are one turn.
      (record) => JSON.stringify(hints.get(record)),
      async (_key, [record]) => {
        const hint = record && hints.get(record);
        if (hint) await deliver(parts, hint, turn);
      },
      log,
    );
  });
}

export const handler = onFirstEvent(createHandler);
