import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "./problem.ts";

/**
 * Lets a request pass that carries the API key (RFC 6750, `Authorization: Bearer KEY`). Digests are compared, in
 * constant time and of equal length, so an answer's timing says nothing about the key.
 */
export function bearerAuth(apiKey: string): MiddlewareHandler {
  const expected = digest(apiKey);
  return async (context, next) => {
    const [scheme, key] = (context.req.header("authorization") ?? "").split(" ", 2);
    if (scheme?.toLowerCase() !== "bearer" || key === undefined || !timingSafeEqual(digest(key), expected))
      throw new HttpProblem(401, "key.wrong", "Send the API key as `Authorization: Bearer KEY`.");
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
