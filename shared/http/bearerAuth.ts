import type { MiddlewareHandler } from "hono";
import type { ApiKeyCheck } from "./apiKey.ts";
import { HttpProblem } from "./problem.ts";

/** Requires the API key (RFC 6750, `Authorization: Bearer KEY`). */
export function bearerAuth(isApiKey: ApiKeyCheck): MiddlewareHandler {
  return async (context, next) => {
    const [scheme, key] = (context.req.header("authorization") ?? "").split(" ", 2);
    if (scheme?.toLowerCase() !== "bearer" || key === undefined || !(await isApiKey(key)))
      throw new HttpProblem(401, "key.wrong", "Send the API key as `Authorization: Bearer KEY`.");
    await next();
  };
}
