import { Hono } from "hono";
import { type Caller, MAY_APPEND } from "../../shared/access/caller.ts";
import type { Callers } from "../../shared/access/callers.ts";
import { answerMethodNotAllowed, answerNotFound, answerProblem } from "../../shared/http/answerProblem.ts";
import { requireFeed, requireRole } from "../../shared/http/authorise.ts";
import { bearerAuth, type CallerVariables } from "../../shared/http/bearerAuth.ts";
import { checkFeedName } from "../../shared/http/feedName.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Intake, IntakeResult } from "./intake.ts";
import { readProducer } from "./producer.ts";
import { readEventBody } from "./requestBody.ts";

/** `POST /v1/feeds/{feed}/events`: responds once the events are durable. */
export function createIngestApp(
  intake: Pick<Intake, "submit">,
  callers: Callers,
  log: Log,
): Hono<CallerVariables> {
  const app = new Hono<CallerVariables>();
  app.onError(answerProblem(log));
  app.notFound(answerNotFound);
  app.use(bearerAuth(callers));
  app.post("/v1/feeds/:feed/events", async (context) => {
    const caller = context.get("caller");
    requireRole(caller, MAY_APPEND);
    const feed = checkFeedName(context.req.param("feed"));
    requireFeed(caller, feed, MAY_APPEND);
    const named = readProducer(context.req.header("relay-producer"), context.req.header("relay-position"));
    const producer = named && { ...named, ...keyOf(caller) };
    const { events, skipped } = readEventBody({
      bytes: new Uint8Array(await context.req.arrayBuffer()),
      contentType: context.req.header("content-type"),
      contentEncoding: context.req.header("content-encoding"),
    });
    const [outcome] = await intake.submit(feed, [producer ? { producer, events } : { events }]);
    if (outcome?.kind !== "appended") throw problemOf(outcome);
    return context.json({ ...outcome.result, ...(skipped === undefined ? {} : { skipped }) }, 202);
  });
  app.all("/v1/feeds/:feed/events", answerMethodNotAllowed(["POST"]));
  return app;
}

function problemOf(outcome: Exclude<IntakeResult, { kind: "appended" }> | undefined): Error {
  if (outcome?.kind === "conflict") return outcome.error;
  const refused = outcome?.refused ?? [];
  return new HttpProblem(422, "events.refused", "None of the events can be accepted.", { refused });
}

/** The archive of producers is bounded for each key. The management key's producers are not archived. */
function keyOf(caller: Caller): { key?: string } {
  return caller.kind === "key" ? { key: caller.key.id } : {};
}
