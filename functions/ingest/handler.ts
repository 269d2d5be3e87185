import { randomUUID } from "node:crypto";
import type { APIGatewayProxyEventV2, SQSEvent } from "aws-lambda";
import { openCallers, openKeys } from "../../shared/aws/openKeys.ts";
import { openAppendStore, openNotifyQueue } from "../../shared/aws/openQueue.ts";
import { answerHttpApi } from "../../shared/http/lambdaAdapter.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { defineHandler, type HandlerParts, recording } from "../handlerParts.ts";
import { Appender, type AppendParts } from "./append.ts";
import { BusyFeeds } from "./busyFeeds.ts";
import { GatheredHints } from "./gatheredHints.ts";
import { GroupCommit } from "./groupCommit.ts";
import { createIngestApp } from "./http.ts";
import { Intake } from "./intake.ts";
import { appendBatch } from "./sqs.ts";

/** Ingest knows the Queue table, the keys and the notify queue, and nothing of sessions. */
export const createHandler = defineHandler(
  "ingest",
  recording((environment, parts) => {
    const { clients, clock, log, metrics, stopping, settings } = parts;
    const notifyQueue = openNotifyQueue(environment, clients);
    const hints = createHints(parts, (hint) => notifyQueue.sendNotify(hint));
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
      sendNotify: (hint) => hints.sendNotify(hint),
      newAppendId: randomUUID,
      random: Math.random,
    });
    const isManyAtOnce = parts.hasManyEventsAtOnce === true;
    const busyFeeds = isManyAtOnce ? new BusyFeeds(clock) : undefined;
    const gathering = { gatherMillis: settings.gatherMillis, busyFeeds, clock, stopping };
    const intake = new Intake(new GroupCommit(appender, gathering), metrics);
    const callers = openCallers(environment, openKeys(environment, clients), parts);
    const http: Pick<Intake, "submit"> = {
      submit: (feed, submissions) => intake.submit(feed, submissions, { atOnce: !isManyAtOnce }),
    };
    const answerHttp = answerHttpApi(createIngestApp(http, callers, log));
    return async (event: APIGatewayProxyEventV2 | SQSEvent) =>
      "Records" in event ? appendBatch(intake, event.Records, log) : answerHttp(event);
  }),
);

/** Hints gather where the turns of groups are told of each page. */
function createHints(
  { advances, clock, log, stopping, settings }: HandlerParts,
  sendNotify: AppendParts["sendNotify"],
): Pick<AppendParts, "sendNotify"> {
  if (advances === undefined || !settings.cursorGroups) return { sendNotify };
  const hints = new GatheredHints({ sendNotify, clock, log, stopping });
  advances.onTurnEnded((feed) => hints.turnEnded(feed));
  return hints;
}

export const handler = onFirstEvent(createHandler);
