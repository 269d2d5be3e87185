import { createRoute, z } from "@hono/zod-openapi";
import {
  changedSession,
  createdSession,
  feedChange,
  feedName,
  feedView,
  listQuery,
  messageList,
  messagesQuery,
  newSession,
  problem,
  serviceView,
  sessionChange,
  sessionList,
  sessionView,
} from "./schemas.ts";

/** The routes of the interface, with their requests and responses. */

export const security = [{ apiKey: [] }];

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
const MAX_SESSION_ID_CHARACTERS = 64;

export const feedPath = z.object({ feed: feedName });
const sessionPath = z.object({ id: z.string().min(1).max(MAX_SESSION_ID_CHARACTERS) });

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
  responses: { 200: json("Ready", z.object({ status: z.literal("ok") })), ...problems(503) },
});

export const getFeed = createRoute({
  method: "get",
  path: "/v1/feeds/{feed}",
  tags: ["Feeds"],
  summary: "The feed's segments, and how many sessions stand in each",
  security,
  request: { params: feedPath },
  responses: { 200: json("The feed", feedView), ...problems(400, 401, 404, 503) },
});

export const patchFeed = createRoute({
  method: "patch",
  path: "/v1/feeds/{feed}",
  tags: ["Feeds"],
  summary: "Change how the feed's events are converted from now on",
  security,
  request: { params: feedPath, body: jsonBody(feedChange) },
  responses: { 200: json("The feed", feedView), ...problems(400, 401, 404, 413, 415, 503) },
});

export const getMessages = createRoute({
  method: "get",
  path: "/v1/feeds/{feed}/messages",
  tags: ["Feeds"],
  summary: "Read the queue without a session",
  security,
  request: { params: feedPath, query: messagesQuery },
  responses: { 200: json("Messages in order", messageList), ...problems(400, 401, 404, 503) },
});

export const postSession = createRoute({
  method: "post",
  path: "/v1/sessions",
  tags: ["Sessions"],
  summary: "Subscribe a webhook to a feed",
  security,
  request: { body: jsonBody(newSession) },
  responses: {
    201: json("The session and its secret", createdSession),
    ...problems(400, 401, 409, 413, 415, 503),
  },
});

export const getSessions = createRoute({
  method: "get",
  path: "/v1/sessions",
  tags: ["Sessions"],
  summary: "All sessions: state, lag, last error",
  security,
  request: { query: listQuery },
  responses: { 200: json("Sessions", sessionList), ...problems(400, 401, 503) },
});

export const getSession = createRoute({
  method: "get",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "One session: state, lag, last error",
  security,
  request: { params: sessionPath },
  responses: { 200: json("The session", sessionView), ...problems(400, 401, 404, 503) },
});

export const patchSession = createRoute({
  method: "patch",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "Change, pause, resume, seek, or rotate the secret",
  security,
  request: { params: sessionPath, body: jsonBody(sessionChange) },
  responses: {
    200: json("The session as it is now", changedSession),
    ...problems(400, 401, 404, 409, 413, 415, 503),
  },
});

export const deleteSession = createRoute({
  method: "delete",
  path: "/v1/sessions/{id}",
  tags: ["Sessions"],
  summary: "Unsubscribe, so that messages that only this session held can be freed",
  security,
  request: { params: sessionPath },
  responses: { 204: { description: "Deleted" }, ...problems(400, 401, 404, 503) },
});
