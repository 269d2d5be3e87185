import { randomUUID } from "node:crypto";
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  SQSBatchResponse,
  SQSEvent,
} from "aws-lambda";
import { createApiKeyCheck } from "../../shared/aws/apiKeys.ts";
import { createClients } from "../../shared/aws/clients.ts";
import { HeadStore } from "../../shared/aws/heads.ts";
import { NotifySender } from "../../shared/aws/hints.ts";
import { environmentNames } from "../../shared/aws/names.ts";
import { PageStore } from "../../shared/aws/pages.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { createLambdaLog } from "../../shared/runtime/lambdaLog.ts";
import { createLambdaMetrics } from "../../shared/runtime/lambdaMetrics.ts";
import { publishing } from "../../shared/runtime/metrics.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { type Environment, readSettings, requireVariable } from "../../shared/runtime/settings.ts";
import { processInGroups } from "../../shared/runtime/sqsBatch.ts";
import type { HandlerOptions } from "../handlerOptions.ts";
import { Appender, type AppendStore } from "./append.ts";
import { GroupCommit } from "./groupCommit.ts";
import { createIngestApp } from "./http.ts";
import { Intake } from "./intake.ts";
import { appendRecords } from "./sqs.ts";

type IngestEvent = APIGatewayProxyEventV2 | SQSEvent;
type IngestResult = APIGatewayProxyStructuredResultV2 | SQSBatchResponse;

/** Ingest knows the Queue table and the notify queue, and nothing of sessions. */
export function createHandler(
  environment: Environment,
  options: HandlerOptions = {},
): (event: IngestEvent) => Promise<IngestResult> {
  const settings = readSettings(environment);
  const { documents, sqs } = options.clients ?? createClients(environment);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? createLambdaLog("ingest");
  const metrics = options.metrics ?? createLambdaMetrics("ingest", environment);
  const queueTable = requireVariable(environment, environmentNames.queueTable);
  const heads = new HeadStore(documents, queueTable);
  const pages = new PageStore(documents, queueTable);
  const store: AppendStore = {
    readHead: (feed) => heads.readHead(feed),
    createFeed: (feed, segmentSize) => heads.createFeed(feed, segmentSize),
    readLastPage: (feed, segment) => pages.readLastPage(feed, segment),
    readPageAt: (feed, segment, first) => pages.readPageAt(feed, segment, first),
    readPageBefore: (feed, segment, sequence) => pages.readPageBefore(feed, segment, sequence),
    putPage: (feed, segment, page, putOptions) => pages.putPage(feed, segment, page, putOptions),
  };
  const notifySender = new NotifySender(sqs, requireVariable(environment, environmentNames.notifyQueueUrl));
  const appender = new Appender({
    store,
    sendNotify: (hint) => notifySender.sendNotify(hint),
    clock,
    log,
    metrics,
    settings,
    newAppendId: randomUUID,
    random: Math.random,
  });
  const intake = new Intake(new GroupCommit(appender), metrics);
  const isApiKey = createApiKeyCheck(environment, { settings, clock, log });
  const answerHttp = answerHttpApi(createIngestApp(intake, isApiKey, log));

  return publishing(metrics, async (event) =>
    "Records" in event
      ? processInGroups(
          event.Records,
          ({ attributes }) => attributes.MessageGroupId ?? "",
          (feed, records) => appendRecords(intake, feed, records, log),
          log,
        )
      : answerHttp(event),
  );
}

export const handler = onFirstEvent(createHandler);
