import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Env, Hono, Schema } from "hono";
import { handle } from "hono/aws-lambda";
import { HttpProblem, type Problem } from "./problem.ts";

/** The Fetch standard refuses to build requests with these methods, so no route can answer them. */
const UNBUILDABLE_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Serves an app as a Lambda function behind API Gateway (HTTP API, payload format 2.0). */
export function answerHttpApi<E extends Env, S extends Schema, P extends string>(
  app: Hono<E, S, P>,
): (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2> {
  const answer = handle(app);
  const notAllowed = toResult(
    new HttpProblem(405, "method.not-allowed", "The method is not supported.").problem,
  );
  return async (event) => {
    const method = event.requestContext.http.method.toUpperCase();
    if (UNBUILDABLE_METHODS.has(method)) return notAllowed;
    // The body of a GET has no meaning (RFC 9110 9.3.1), and the Fetch standard refuses to build a request with one.
    const { body, ...withoutBody } = event;
    const meaningful = {
      ...(method === "GET" || method === "HEAD" ? withoutBody : event),
      rawPath: encoded(event.rawPath),
    };
    // Hono's types of the same payload require an authorizer, which an HTTP API may not have.
    return answer(
      meaningful as unknown as Parameters<typeof answer>[0],
    ) as Promise<APIGatewayProxyStructuredResultV2>;
  };
}

/**
 * The path arrives decoded, and the app builds a URL from it. A decoded question mark would end the path, a backslash
 * would become a slash, and a tab would disappear: the request would reach another resource.
 */
function encoded(path: string): string {
  return path.toWellFormed().split("/").map(encodeURIComponent).join("/");
}

function toResult(problem: Problem): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: problem.status,
    headers: { "content-type": "application/problem+json", allow: "DELETE, GET, PATCH, POST" },
    body: JSON.stringify(problem),
  };
}
