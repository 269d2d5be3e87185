import { createRoute, z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import type { Role } from "../../shared/access/accessKey.ts";
import { MAY_MANAGE, MAY_READ } from "../../shared/access/caller.ts";
import { requireFeed, requireRole } from "../../shared/http/authorise.ts";
import type { CallerVariables } from "../../shared/http/bearerAuth.ts";
import { attemptList, attemptView, explanation } from "./schemas/attempts.ts";
import { feedName, listQuery, problem, sequenceInPath, serviceView } from "./schemas/common.ts";
import { feedChange, feedList, feedView, producerList } from "./schemas/feeds.ts";
import { createdKey, keyList, newKey } from "./schemas/keys.ts";
import { messageList, messagesQuery } from "./schemas/messages.ts";
import { newSession, sessionChange } from "./schemas/newSessions.ts";
import { changedSession, createdSession, sessionList, sessionView } from "./schemas/sessions.ts";

/** The routes of the interface, with their requests and responses. */

/** One alternative for each role that may call. In the document, the roles stand where OAuth has its scopes. */
export function security(roles: readonly Role[]) {
  return roles.map((role) => ({ apiKey: [role] }));
}

/** Who may call an operation: documented, and checked before the request is looked at. A feed in the path counts too. */
function access(roles: readonly Role[]) {
  const check: MiddlewareHandler<CallerVariables> = async (context, next) => {
    const caller = context.get("caller");
    requireRole(caller, roles);
    const feed = context.req.param("feed");
    if (feed !== undefined) requireFeed(caller, feed, roles);
    await next();
  };
  return { security: security(roles), middleware: check };
}

function json<T extends z.ZodType>(description: string, schema: T) {
  return { description, content: { "application/json": { schema } } };
}

export function problems(...statuses: readonly number[]) {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: "What is wrong, and where",
        content: { "application/problem+json": { schema: problem } },
      },
    ]),
  );
}

const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { "application/json": { schema } },
});

/** The relay makes no longer ids. */
const MAX_ID_CHARACTERS = 64;

export const feedPath = z.object({ feed: feedName });
const keyPath = z.object({ id: z.string().min(1).max(MAX_ID_CHARACTERS) });
const sessionPath = z.object({ id: z.string().min(1).max(MAX_ID_CHARACTERS) });

export const root = createRoute({
  method: "get",
  path: "/",
  tags: ["Operation"],
  summary: "What this is and where to start: HTML for browsers, JSON for programs",
  responses: {
    200: {
      description: "The name of the service, and the paths of its description",
      content: {
        "application/json": { schema: serviceView },
        "text/html": { schema: z.string() },
      },
    },
  },
});

export const health = createRoute({
  method: "get",
  path: "/v1/health",
  tags: ["Operation"],
  summary: "Whether the relay is ready",
  responses: {
    200: json("Ready", z.object({ status: z.literal("ok"), version: z.string() })),
    ...problems(503),
  },
});

export const getFeeds = createRoute({
  method: "get",
  path: "/v1/feeds",
  tags: ["Feeds"],
  summary: "The feeds: how far each is, when it last grew, who follows it",
  ...access(MAY_READ),
  request: { query: listQuery },
  responses: { 200: json("Feeds by name", feedList), ...problems(400, 401, 403, 429, 503) },
});

export const getProducers = createRoute({
  method: "get",
  path: "/v1/feeds/{feed}/producers",
  tags: ["Feeds"],
  summary: "The feed's producers: when each was last seen, its position, its gaps",
  ...access(MAY_READ),
  request: { params: feedPath },
  responses: {
    200: json("Producers, the one seen last first", producerList),
    ...problems(400, 401, 403, 404, 429, 503),
  },
});

export const getFeed = createRoute({
  method: "get",
  path: "/v1/feeds/{feed}",
  tags: ["Feeds"],
  summary: "The feed's segments, and how many sessions stand in each",
  ...access(MAY_READ),
  request: { params: feedPath },
  responses: { 200: json("The feed", feedView), ...problems(400, 401, 403, 404, 429, 503) },
});

export const patchFeed = createRoute({
  method: "patch",
  path: "/v1/feeds/{feed}",
  tags: ["Feeds"],
  summary: "Change how the feed's events are converted from now on",
  ...access(MAY_MANAGE),
  request: { params: feedPath, body: jsonBody(feedChange) },
  responses: { 200: json("The feed", feedView), ...problems(400, 401, 403, 404, 413, 415, 429, 503) },
});

export const getMessages = createRoute({
  method: "get",
  path: "/v1/feeds/{feed}/messages",
  tags: ["Feeds"],
  summary: "Read the queue without a session",
  ...access(MAY_READ),
  request: { params: feedPath, query: messagesQuery },
  responses: { 200: json("Messages in order", messageList), ...problems(400, 401, 403, 404, 429, 503) },
});

const idempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    // Bytes beyond ASCII arrive percent-encoded (hono/aws-lambda).
    .regex(/^[\x21-\x7e\x80-\xff]{0,255}$/, "must have at most 255 visible characters")
    .optional()
    .openapi({
      description:
        "Makes a resend safe: for a day, the same key with the same body gets the same session and secret. Another body gets 422. An empty header counts as absent.",
    }),
});

export const postSession = createRoute({
  method: "post",
  path: "/v1/sessions",
  tags: ["Sessions"],
  summary: "Subscribe a webhook to a feed, or add a user of the AMI gateway",
  ...access(MAY_MANAGE),
  request: { headers: idempotencyHeader, body: jsonBody(newSession) },
  responses: {
    201: json("The session and its secret", createdSession),
    ...problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
  },
});

export const getSessions = createRoute({
  method: "get",
  path: "/v1/sessions",
  tags: ["Sessions"],
  summary: "All sessions: state, lag, last error",
  ...access(MAY_READ),
  request: { query: listQuery },
  responses: { 200: json("Sessions", sessionList), ...problems(400, 401, 403, 429, 503) },
});

export const getSession = createRoute({
  method: "get",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "One session: state, lag, last error",
  ...access(MAY_READ),
  request: { params: sessionPath },
  responses: { 200: json("The session", sessionView), ...problems(400, 401, 403, 404, 429, 503) },
});

export const patchSession = createRoute({
  method: "patch",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "Change, pause, resume, seek, or rotate the secret",
  ...access(MAY_MANAGE),
  request: { params: sessionPath, body: jsonBody(sessionChange) },
  responses: {
    200: json("The session as it is now", changedSession),
    ...problems(400, 401, 403, 404, 409, 413, 415, 429, 503),
  },
});

export const deleteSession = createRoute({
  method: "delete",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "Unsubscribe, so that messages that only this session held can be freed",
  ...access(MAY_MANAGE),
  request: { params: sessionPath },
  responses: { 204: { description: "Deleted" }, ...problems(400, 401, 403, 404, 409, 429, 503) },
});

export const getAttempts = createRoute({
  method: "get",
  path: "/v1/sessions/{id}/attempts",
  tags: ["Sessions"],
  summary: "What the session's endpoint answered: the last 50 entries",
  description: "Kept for seven days. AMI users have none: their clients answer nothing.",
  ...access(MAY_READ),
  request: { params: sessionPath },
  responses: {
    200: json("Attempts, the newest first", attemptList),
    ...problems(400, 401, 403, 404, 429, 503),
  },
});

export const postTest = createRoute({
  method: "post",
  path: "/v1/sessions/{id}/test",
  tags: ["Sessions"],
  summary: "Send a test message to the session's endpoint now, and wait for its answer",
  description:
    "One signed request with a message of type `RelayTest`, outside the queue: nothing is moved or counted. Once a second.",
  ...access(MAY_MANAGE),
  request: { params: sessionPath },
  responses: {
    200: json("What the endpoint answered", attemptView),
    ...problems(400, 401, 403, 404, 409, 429, 503),
  },
});

export const getExplanation = createRoute({
  method: "get",
  path: "/v1/sessions/{id}/explain/{sequence}",
  tags: ["Sessions"],
  summary: "Why a message did or did not reach the session",
  ...access(MAY_READ),
  request: { params: sessionPath.extend({ sequence: sequenceInPath }) },
  responses: {
    200: json("What became of it", explanation),
    ...problems(400, 401, 403, 404, 422, 429, 503),
  },
});

export const postKey = createRoute({
  method: "post",
  path: "/v1/keys",
  tags: ["Keys"],
  summary: "Make a key",
  description: "Keys are made, listed and revoked by managers of all feeds.",
  ...access(MAY_MANAGE),
  request: { body: jsonBody(newKey) },
  responses: {
    201: json("The key, which is not shown again", createdKey),
    ...problems(400, 401, 403, 413, 415, 429, 503),
  },
});

export const getKeys = createRoute({
  method: "get",
  path: "/v1/keys",
  tags: ["Keys"],
  summary: "All keys, without their texts",
  ...access(MAY_MANAGE),
  request: { query: listQuery },
  responses: { 200: json("Keys", keyList), ...problems(400, 401, 403, 429, 503) },
});

export const deleteKey = createRoute({
  method: "delete",
  path: "/v1/keys/{id}",
  tags: ["Keys"],
  summary: "Revoke a key: it stops working within 30 seconds everywhere",
  ...access(MAY_MANAGE),
  request: { params: keyPath },
  responses: { 204: { description: "Revoked" }, ...problems(400, 401, 403, 404, 429, 503) },
});
