import type { SQSEvent } from "aws-lambda";
import { openCursors } from "../../shared/aws/openSessions.ts";
import { notifyHintSchema } from "../../shared/queue/hints.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { processHints, readHints } from "../../shared/runtime/sqsBatch.ts";
import { defineHandler } from "../handlerParts.ts";
import { notify } from "./notify.ts";

/** Handles all hints of a feed together. */
export const createHandler = defineHandler("notify", (environment, parts) => {
  const { clients, clock, log, settings } = parts;
  const stores = openCursors(environment, clients, clock);
  return ({ Records }: SQSEvent) =>
    processHints(
      readHints(Records, notifyHintSchema, log),
      ({ feed }) => feed,
      (feed, hints) => notify({ ...stores, groupWakes: stores.wakes, clock, settings }, feed, hints),
      log,
    );
});

export const handler = onFirstEvent(createHandler);
