import type { MiddlewareHandler } from "hono";
import type { ApiKeyCheck } from "./apiKey.ts";
import { HttpProblem } from "./problem.ts";

/** RFC 6750 2.1: the scheme, one or more blanks, the key, and nothing behind it. */
const CREDENTIALS = /^bearer +(?<key>[^ ]+)$/i;

/** The key of an Authorization header; undefined when the header holds none. */
export function bearerKey(authorization: string | undefined): string | undefined {
  return CREDENTIALS.exec(authorization?.trim() ?? "")?.groups?.key;
}

/** Requires the API key (RFC 6750, `Authorization: Bearer KEY`). */
export function bearerAuth(isApiKey: ApiKeyCheck): MiddlewareHandler {
  return async (context, next) => {
    const key = bearerKey(context.req.header("authorization"));
    if (key === undefined || !(await isApiKey(key)))
      throw new HttpProblem(401, "key.wrong", "Send the API key as `Authorization: Bearer KEY`.");
    await next();
  };
}
