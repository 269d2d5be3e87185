import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2, SQSEvent } from "aws-lambda";
import { createApiKeyCheck } from "../../shared/aws/apiKeys.ts";
import { openNotifyQueue, openQueue } from "../../shared/aws/openQueue.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import type { NotifyHint } from "../../shared/queue/hints.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { defineHandler } from "../handlerParts.ts";
import { Appender, type AppendStore } from "./append.ts";
import { GroupCommit } from "./groupCommit.ts";
import { createIngestApp } from "./http.ts";
import { appendBatch } from "./sqs.ts";

/** Ingest knows the Queue table and the notify queue, and nothing of sessions. */
export const createHandler = defineHandler("ingest", (environment, parts) => {
  const { clients, clock, log, metrics } = parts;
  const { heads, pages, tails } = openQueue(environment, clients, clock);
  const hints = openNotifyQueue(environment, clients);
  const store: AppendStore = {
    ...tails,
    createFeed: (feed, segmentSize) => heads.createFeed(feed, segmentSize),
    readPageAt: (...at) => pages.readPageAt(...at),
    putPage: (...put) => pages.putPage(...put),
  };
  const sendNotify = (hint: NotifyHint) => hints.sendNotify(hint);
  const appender = new Appender({
    ...parts,
    store,
    sendNotify,
    newAppendId: randomUUID,
    random: Math.random,
  });
  const commit = new GroupCommit(appender);
  const isApiKey = createApiKeyCheck(environment, parts);
  const answerHttp = answerHttpApi(createIngestApp(commit, isApiKey, log, metrics));
  return async (event: APIGatewayProxyEventV2 | SQSEvent) =>
    "Records" in event ? appendBatch(commit, event.Records, log, metrics) : answerHttp(event);
});

export const handler = onFirstEvent(createHandler);
