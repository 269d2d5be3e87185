import { randomUUID } from "node:crypto";
import { createClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { queues, tables } from "../../shared/aws/resources.ts";
import { createTailSource } from "../../shared/aws/tailSource.ts";
import { WakeSender } from "../../shared/aws/wakeSender.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { createLambdaLog } from "../../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../../shared/runtime/lambdaMetrics.ts";
import { publishing } from "../../shared/runtime/metrics.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { type Environment, readSettings, requireVariable } from "../../shared/runtime/settings.ts";
import type { HandlerOptions } from "../handlerOptions.ts";
import { type FeedReport, sweep } from "./sweep.ts";

/** Runs on a schedule; the event itself says nothing that the sweep needs. */
export function createHandler(
  environment: Environment,
  options: HandlerOptions = {},
): (event: unknown) => Promise<FeedReport[]> {
  const { documents, sqs } = options.clients ?? createClients(environment);
  const queueTable = requireVariable(environment, tables.queue.variable);
  const cursorsTable = requireVariable(environment, tables.cursors.variable);
  const clock = options.clock ?? systemClock;
  const metrics = options.metrics ?? createLambdaMetrics("sweep", environment);
  const references = new ReferenceStore(documents, queueTable, clock);
  const parts = {
    tails: createTailSource(documents, queueTable),
    heads: new HeadStore(documents, queueTable),
    pages: new PageStore(documents, queueTable, clock),
    references,
    cursors: new CursorStore(documents, cursorsTable, references, randomUUID),
    wakes: new WakeSender(sqs, {
      fast: requireVariable(environment, queues.wake.variable),
      slow: requireVariable(environment, queues.slow.variable),
    }),
    clock,
    log: options.log ?? createLambdaLog("sweep"),
    metrics,
    settings: readSettings(environment),
  };
  return publishing(metrics, () => sweep(parts));
}

export const handler = onFirstEvent(createHandler);
