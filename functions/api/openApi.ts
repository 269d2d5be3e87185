import { type OpenAPIHono, z } from "@hono/zod-openapi";
import packageJson from "../../package.json" with { type: "json" };
import { MAY_APPEND } from "../../shared/access/caller.ts";
import type { CallerVariables } from "../../shared/http/bearerAuth.ts";
import { feedPath, problems, security } from "./routes.ts";
import { appendResult, events, webhookRequest } from "./schemas/messages.ts";

export const openApiDocument = {
  openapi: "3.1.0",
  info: {
    title: "stasis-relay",
    version: packageJson.version,
    description:
      "Asterisk's Stasis messages as a shared, ordered queue that every session reads at its own pace.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
};

/** Describes the route that ingest serves and the request that deliver sends. */
export function registerIngestRoute(app: OpenAPIHono<CallerVariables>): void {
  const { openAPIRegistry } = app;
  openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description:
      "The management key, which may do everything, or a key from `POST /v1/keys`. Each operation lists the roles that may call it.",
  });
  openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/feeds/{feed}/events",
    tags: ["Feeds"],
    summary: "Append events",
    description:
      "The response comes once the events are durable. With Relay-Producer and Relay-Position, resending is safe.",
    security: security(MAY_APPEND),
    request: {
      params: feedPath,
      headers: z.object({
        "relay-producer": z
          .string()
          .max(128)
          .regex(/^(?!sqs:)[\x21-\x7e]*$/)
          .optional()
          .openapi({ description: "Names the producer. An empty header counts as absent." }),
        "relay-position": z
          .string()
          .regex(/^(\d{1,15})?$/)
          .optional()
          .openapi({
            description:
              "The position of the first event in the body. Positions grow by one per event of this producer.",
          }),
        "content-encoding": z.enum(["identity", "gzip"]).optional(),
      }),
      body: {
        required: true,
        content: {
          "application/json": { schema: events },
          "application/x-ndjson": { schema: z.string().openapi({ description: "One event per line." }) },
          "text/x-ami": {
            schema: z.string().openapi({
              description:
                "AMI text as Asterisk sent it. Its events are stored unchanged; everything else is skipped.",
            }),
          },
        },
      },
    },
    responses: {
      202: { description: "Durable", content: { "application/json": { schema: appendResult } } },
      ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
  });
  openAPIRegistry.registerWebhook({
    method: "post",
    path: "messages",
    summary: "The request to a session's URL, signed according to Standard Webhooks",
    request: {
      headers: z.object({
        "content-encoding": z.enum(["gzip"]).optional().openapi({
          description:
            "Only for sessions with `compress`. The signature is that of the body before compression.",
        }),
      }),
      body: { content: { "application/json": { schema: webhookRequest } } },
    },
    responses: {
      200: {
        description: "Any 2xx accepts the batch. 410 suspends the session. Everything else is retried.",
      },
    },
  });
}
