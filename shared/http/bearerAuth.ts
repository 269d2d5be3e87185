import type { MiddlewareHandler } from "hono";
import type { Caller } from "../access/caller.ts";
import type { Callers, Identified } from "../access/callers.ts";
import { HttpProblem } from "./problem.ts";

/** The variables that the authentication leaves for the routes. */
export interface CallerVariables {
  Variables: { caller: Caller };
}

/** RFC 6750 2.1: the scheme, one or more blanks, the key, and nothing behind it. */
const CREDENTIALS = /^bearer +(?<key>[^ ]+)$/i;

/** The key of an Authorization header; undefined when the header holds none. */
export function bearerKey(authorization: string | undefined): string | undefined {
  return CREDENTIALS.exec(authorization?.trim() ?? "")?.groups?.key;
}

/** Requires a key (RFC 6750, `Authorization: Bearer KEY`) and remembers who calls. */
export function bearerAuth(callers: Callers): MiddlewareHandler<CallerVariables> {
  return async (context, next) => {
    const key = bearerKey(context.req.header("authorization"));
    const identified: Identified = key === undefined ? { kind: "unknown" } : await callers.identify(key);
    if (identified.kind !== "caller") throw refusal(identified);
    context.set("caller", identified.caller);
    await next();
  };
}

function refusal(identified: Exclude<Identified, { kind: "caller" }>): HttpProblem {
  if (identified.kind === "unknown")
    return new HttpProblem(401, "key.wrong", "Send a key of the relay as `Authorization: Bearer KEY`.");
  const { of, retryAfterMillis } = identified;
  const detail =
    of === "requests"
      ? "This key has sent more requests than its limit. Wait as long as Retry-After says."
      : "Too many unknown keys are being tried. Wait as long as Retry-After says.";
  const code = of === "requests" ? "key.rate-limited" : "keys.too-many-unknown";
  return new HttpProblem(429, code, detail, { retryAfterSeconds: Math.ceil(retryAfterMillis / 1000) });
}
