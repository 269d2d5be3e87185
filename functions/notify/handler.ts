import { randomUUID } from "node:crypto";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createClients } from "../../shared/aws/clients.ts";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { queues, tables } from "../../shared/aws/resources.ts";
import { createTailSource } from "../../shared/aws/tailSource.ts";
import { WakeSender } from "../../shared/aws/wakeSender.ts";
import { notifyHintSchema } from "../../shared/queue/hints.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { createLambdaLog } from "../../shared/runtime/lambdaLog.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { type Environment, requireVariable } from "../../shared/runtime/settings.ts";
import { processInGroups, readHints } from "../../shared/runtime/sqsBatch.ts";
import type { HandlerOptions } from "../handlerOptions.ts";
import { notify } from "./notify.ts";

export function createHandler(
  environment: Environment,
  options: HandlerOptions = {},
): (event: SQSEvent) => Promise<SQSBatchResponse> {
  const { documents, sqs } = options.clients ?? createClients(environment);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLambdaLog("notify");
  const queueTable = requireVariable(environment, tables.queue.variable);
  const cursorsTable = requireVariable(environment, tables.cursors.variable);
  const parts = {
    tails: createTailSource(documents, queueTable),
    cursors: new CursorStore(documents, cursorsTable, new ReferenceStore(documents, queueTable), randomUUID),
    wakes: new WakeSender(sqs, {
      fast: requireVariable(environment, queues.wake.variable),
      slow: requireVariable(environment, queues.slow.variable),
    }),
    clock,
  };

  return async ({ Records }) => {
    const hints = readHints(Records, notifyHintSchema, log);
    return processInGroups(
      [...hints.keys()],
      (record) => hints.get(record)?.feed ?? "",
      (feed, group) =>
        notify(
          parts,
          feed,
          group.flatMap((record) => hints.get(record) ?? []),
        ),
      log,
    );
  };
}

export const handler = onFirstEvent(createHandler);
