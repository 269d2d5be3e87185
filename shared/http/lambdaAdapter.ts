import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Env, Hono, Schema } from "hono";
import { handle } from "hono/aws-lambda";

/** Serves an app as a Lambda function behind API Gateway (HTTP API, payload format 2.0). */
export function answerHttpApi<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
): (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2> {
  const answer = handle(app);
  // Hono's types of the same payload require an authorizer, which an HTTP API may not have.
  return (event) =>
    answer(event as unknown as Parameters<typeof answer>[0]) as Promise<APIGatewayProxyStructuredResultV2>;
}
