import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2, SQSEvent } from "aws-lambda";
import { openCallers, openKeys } from "../../shared/aws/openKeys.ts";
import { openAppendStore, openNotifyQueue } from "../../shared/aws/openQueue.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { defineHandler, recording } from "../handlerParts.ts";
import { Appender } from "./append.ts";
import { GroupCommit } from "./groupCommit.ts";
import { createIngestApp } from "./http.ts";
import { Intake } from "./intake.ts";
import { appendBatch } from "./sqs.ts";

/** Ingest knows the Queue table, the keys and the notify queue, and nothing of sessions. */
export const createHandler = defineHandler(
  "ingest",
  recording((environment, parts) => {
    const { clients, clock, log, metrics } = parts;
    const notifyQueue = openNotifyQueue(environment, clients);
    const store = openAppendStore(environment, clients, clock);
    const appender = new Appender({
      ...parts,
      store: {
        ...store,
        putPage: async (feed, segment, page, options) => {
          const result = await store.putPage(feed, segment, page, options);
          if (result.written) parts.advances?.advanced(feed, segment, page);
          return result;
        },
      },
      sendNotify: (hint) => notifyQueue.sendNotify(hint),
      newAppendId: randomUUID,
      random: Math.random,
    });
    const gathering = { gatherMillis: parts.settings.gatherMillis, clock, stopping: parts.stopping };
    const intake = new Intake(new GroupCommit(appender, gathering), metrics);
    const callers = openCallers(environment, openKeys(environment, clients), parts);
    const http: Pick<Intake, "submit"> = {
      submit: (feed, submissions) =>
        intake.submit(feed, submissions, { atOnce: parts.hasManyEventsAtOnce !== true }),
    };
    const answerHttp = answerHttpApi(createIngestApp(http, callers, log));
    return async (event: APIGatewayProxyEventV2 | SQSEvent) =>
      "Records" in event ? appendBatch(intake, event.Records, log) : answerHttp(event);
  }),
);

export const handler = onFirstEvent(createHandler);
