import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import type { ConsoleAssets } from "../../console/server/assets.ts";
import { mountConsole } from "../../console/server/mount.ts";
import type { Callers } from "../../shared/access/callers.ts";
import { RateLimit } from "../../shared/access/rateLimit.ts";
import { answerMethodNotAllowed, answerNotFound, answerProblem } from "../../shared/http/answerProblem.ts";
import { bearerAuth, bearerKey, type CallerVariables } from "../../shared/http/bearerAuth.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { listAttempts } from "./attempts.ts";
import { explainMessage } from "./explainMessage.ts";
import { listFeeds } from "./feedList.ts";
import { changeFeed, describeFeed, readMessages } from "./feeds.ts";
import { createKey, deleteKey, listKeys } from "./keys.ts";
import { openApiDocument, registerIngestRoute } from "./openApi.ts";
import type { ApiParts } from "./parts.ts";
import { listProducers } from "./producers.ts";
import * as routes from "./routes.ts";
import { changeSession, createSession, deleteSession, listSessions, showSession } from "./sessions.ts";
import { testSession } from "./testMessage.ts";
import { Waiting } from "./waiting.ts";
import { welcome } from "./welcome.ts";

const PUBLIC_PATHS = new Set(["/", "/v1/health", "/v1/openapi.json"]);

/** How error messages name the body and the path. */
const TARGETS: Readonly<Record<string, string>> = { json: "body", param: "path" };

/** Far larger than any session's configuration. */
const MAX_BODY_BYTES = 64 * 1024;

/** The HTTP interface except ingest, which is a separate function. */
export function createApiApp(
  parts: ApiParts,
  callers: Callers,
  consoleAssets: ConsoleAssets,
  log: Log,
): OpenAPIHono<CallerVariables> {
  const app = new OpenAPIHono<CallerVariables>({
    defaultHook: (result) => {
      if (!result.success)
        throw new HttpProblem(400, "request.invalid", "The request is invalid.", {
          errors: result.error.issues.map(({ path, message }) => ({
            at: [TARGETS[result.target] ?? result.target, ...path].join("."),
            error: message,
          })),
        });
    },
  });
  app.onError(answerProblem(log));
  app.notFound(answerNotFound);
  const waiting = new Waiting(parts.clock, parts.stopping);
  const testLimit = new RateLimit();
  const authenticate = bearerAuth(callers);
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: refuseLargeBody }));
  // Before the check of the bearer key: the console has a rule of its own (console/server/credential.ts).
  mountConsole(app, { callers, assets: consoleAssets });
  app.use((context, next) => (PUBLIC_PATHS.has(context.req.path) ? next() : authenticate(context, next)));

  app.openapi(routes.root, welcome);
  app.openapi(routes.health, async (context) => {
    // Ready means that the table responds; the feed need not exist.
    await parts.tails.readHead("health");
    return context.json({ status: "ok" as const, version: openApiDocument.info.version }, 200);
  });
  app.openapi(routes.getFeeds, async (context) =>
    context.json(await listFeeds(parts, context.req.valid("query"), context.get("caller")), 200),
  );
  app.openapi(routes.getProducers, async (context) =>
    context.json(await listProducers(parts, context.req.valid("param").feed), 200),
  );
  app.openapi(routes.getFeed, async (context) =>
    context.json(await describeFeed(parts, context.req.valid("param").feed), 200),
  );
  app.openapi(routes.patchFeed, async (context) =>
    context.json(await changeFeed(parts, context.req.valid("param").feed, context.req.valid("json")), 200),
  );
  app.openapi(routes.getMessages, async (context) => {
    const text = await readMessages(
      parts,
      waiting,
      context.req.valid("param").feed,
      context.req.valid("query"),
    );
    return context.body(text, 200, { "content-type": "application/json" }) as never;
  });
  app.openapi(routes.postSession, async (context) => {
    const caller = context.get("caller");
    const key = context.req.valid("header")["idempotency-key"];
    const bearer = bearerKey(context.req.header("authorization"));
    const call = key && bearer ? { key, bearer, caller } : undefined;
    return context.json(await createSession(parts, context.req.valid("json"), caller, call), 201);
  });
  app.openapi(routes.getSessions, async (context) =>
    context.json(await listSessions(parts, context.req.valid("query"), context.get("caller")), 200),
  );
  app.openapi(routes.getSession, async (context) =>
    context.json(await showSession(parts, context.req.valid("param").id, context.get("caller")), 200),
  );
  app.openapi(routes.patchSession, async (context) =>
    context.json(
      await changeSession(
        parts,
        context.req.valid("param").id,
        context.req.valid("json"),
        context.get("caller"),
      ),
      200,
    ),
  );
  app.openapi(routes.deleteSession, async (context) => {
    await deleteSession(parts, context.req.valid("param").id, context.get("caller"));
    return context.body(null, 204);
  });
  app.openapi(routes.getAttempts, async (context) =>
    context.json(await listAttempts(parts, context.req.valid("param").id, context.get("caller")), 200),
  );
  app.openapi(routes.postTest, async (context) =>
    context.json(
      await testSession(
        parts,
        { limit: testLimit, waiting },
        context.req.valid("param").id,
        context.get("caller"),
      ),
      200,
    ),
  );
  app.openapi(routes.getExplanation, async (context) => {
    const { id, sequence } = context.req.valid("param");
    return context.json(await explainMessage(parts, id, sequence, context.get("caller")), 200);
  });
  app.openapi(routes.postKey, async (context) =>
    context.json(await createKey(parts, context.req.valid("json"), context.get("caller")), 201),
  );
  app.openapi(routes.getKeys, async (context) =>
    context.json(await listKeys(parts, context.req.valid("query"), context.get("caller")), 200),
  );
  app.openapi(routes.deleteKey, async (context) => {
    await deleteKey(parts, context.req.valid("param").id, context.get("caller"));
    return context.body(null, 204);
  });

  registerIngestRoute(app);
  // Made once: it takes ten milliseconds, and everybody may ask for it.
  const document = app.getOpenAPI31Document(openApiDocument);
  const documentText = JSON.stringify(document);
  app.get("/v1/openapi.json", (context) =>
    context.body(documentText, 200, { "content-type": "application/json" }),
  );
  for (const [path, methods] of methodsByPath(document.paths ?? {}))
    app.all(path, answerMethodNotAllowed(methods));
  return app;
}

/** The methods of each path in the document, and of the document's own path. */
function methodsByPath(paths: Readonly<Record<string, object>>): [path: string, methods: string[]][] {
  const documented = Object.entries(paths).map(([path, methods]): [string, string[]] => [
    path.replaceAll(/\{(\w+)\}/g, ":$1"),
    Object.keys(methods).map((method) => method.toUpperCase()),
  ]);
  return [...documented, ["/v1/openapi.json", ["GET"]]];
}

function refuseLargeBody(): never {
  throw new HttpProblem(413, "body.too-large", `The body has more than ${MAX_BODY_BYTES} bytes.`);
}
