import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { isServiceFailure, RelayError } from "../errors.ts";
import type { Log } from "../runtime/log.ts";
import { HttpProblem, type ProblemStatus, problemResponse } from "./problem.ts";

/** The status of relay errors that the caller can fix. All others are the relay's fault: 500, or 503 if retryable. */
const STATUS_OF_CODE: Readonly<Record<string, ProblemStatus>> = {
  "producer.position-conflict": 409,
  "sequence.not-held": 409,
  "cursor.fence-lost": 409,
  "username.taken": 409,
};

/** The error handler of both HTTP functions: every failure becomes a problem document, and no detail leaks. */
export function answerProblem(log: Log): (error: Error, context: Context) => Response {
  return (error, context) => {
    if (error instanceof HttpProblem) {
      const { problem, retryAfterSeconds } = error;
      return problemResponse(problem, {
        ...(problem.status === 401 && { "www-authenticate": "Bearer" }),
        ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
      });
    }
    // Hono throws these for bodies that it cannot read.
    if (error instanceof HTTPException && error.status === 415)
      return problemResponse(
        new HttpProblem(415, "content-type.unsupported", "Send the body as application/json.").problem,
      );
    if (error instanceof HTTPException && error.status === 400)
      return problemResponse(new HttpProblem(400, "request.invalid", error.message).problem);
    if (error instanceof RelayError) {
      const status = STATUS_OF_CODE[error.code];
      if (status !== undefined)
        return problemResponse(new HttpProblem(status, error.code, error.message).problem);
    }
    log.error("a request failed", { method: context.req.method, path: context.req.path, error });
    if (isServiceFailure(error) || (error instanceof RelayError && error.retryable))
      return problemResponse(
        new HttpProblem(
          503,
          "relay.busy",
          "The relay could not complete the request. The same request may succeed later.",
        ).problem,
        { "retry-after": "1" },
      );
    return problemResponse(new HttpProblem(500, "internal", "The relay failed; its log says why.").problem);
  };
}

/** The response for a path that does not exist. */
export function answerNotFound(context: Context): Response {
  return problemResponse(
    new HttpProblem(404, "route.unknown", `There is no ${context.req.method} ${context.req.path}.`).problem,
  );
}

/** The answer to a method that a path does not have. */
export function answerMethodNotAllowed(allowed: readonly string[]): (context: Context) => Response {
  const allow = allowed.join(", ");
  return (context) =>
    problemResponse(
      new HttpProblem(
        405,
        "method.not-allowed",
        `There is no ${context.req.method} ${context.req.path}; allowed: ${allow}.`,
      ).problem,
      { allow },
    );
}
