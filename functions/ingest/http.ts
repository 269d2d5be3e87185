import { Hono } from "hono";
import { PositionConflictError } from "../../shared/errors.ts";
import { answerNotFound, answerProblem } from "../../shared/http/answerProblem.ts";
import type { ApiKeyCheck } from "../../shared/http/apiKey.ts";
import { bearerAuth } from "../../shared/http/bearerAuth.ts";
import { checkFeedName } from "../../shared/http/feedName.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Metrics } from "../../shared/runtime/metrics.ts";
import type { GroupCommit } from "./groupCommit.ts";
import { readProducer } from "./producer.ts";
import { readEventBody } from "./requestBody.ts";

/** `POST /v1/feeds/{feed}/events`: answered when the events are durable. */
export function createIngestApp(
  commit: GroupCommit,
  isApiKey: ApiKeyCheck,
  log: Log,
  metrics: Pick<Metrics, "record">,
): Hono {
  const app = new Hono();
  app.onError(answerProblem(log));
  app.notFound(answerNotFound);
  app.use(bearerAuth(isApiKey));
  app.post("/v1/feeds/:feed/events", async (context) => {
    const feed = checkFeedName(context.req.param("feed"));
    const producer = readProducer(context.req.header("relay-producer"), context.req.header("relay-position"));
    const { events, skipped } = readEventBody({
      bytes: new Uint8Array(await context.req.arrayBuffer()),
      contentType: context.req.header("content-type"),
      contentEncoding: context.req.header("content-encoding"),
    });
    const refused = events.flatMap((item, index) => ("error" in item ? [{ index, error: item.error }] : []));
    metrics.record(feed, { RefusedEvents: refused.length });
    if (refused.length === events.length)
      throw new HttpProblem(422, "events.refused", "None of the events can be accepted.", { refused });
    const [result] = await commit.append(feed, [producer ? { producer, events } : { events }]);
    if (result instanceof PositionConflictError) {
      metrics.record(feed, { RefusedEvents: events.length - refused.length });
      throw result;
    }
    return context.json({ ...result, ...(skipped === undefined ? {} : { skipped }) }, 202);
  });
  return app;
}
