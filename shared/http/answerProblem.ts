import type { Context } from "hono";
import { RelayError } from "../errors.ts";
import type { Log } from "../runtime/log.ts";
import { HttpProblem, type ProblemStatus, problemResponse } from "./problem.ts";

/** What a caller is told of the relay's own errors. Any other code is the relay's fault: 500, or 503 if retryable. */
const STATUS_OF_CODE: Readonly<Record<string, ProblemStatus>> = {
  "producer.position-conflict": 409,
  "sequence.not-held": 409,
  "cursor.fence-lost": 409,
};

/** The error handler of both HTTP functions: every failure becomes a problem document, and no detail leaks. */
export function answerProblem(log: Log): (error: Error, context: Context) => Response {
  return (error, context) => {
    if (error instanceof HttpProblem) {
      const challenge = error.problem.status === 401 ? { "www-authenticate": "Bearer" } : undefined;
      return problemResponse(error.problem, challenge);
    }
    if (error instanceof RelayError) {
      const status = STATUS_OF_CODE[error.code];
      if (status !== undefined) return problemResponse(new HttpProblem(status, error.code, error.message).problem);
    }
    log.error("a request failed", { method: context.req.method, path: context.req.path, error });
    const retryable = error instanceof RelayError && error.retryable;
    return problemResponse(
      retryable
        ? new HttpProblem(503, error.code, "The relay could not finish in time; the same request may succeed now.").problem
        : new HttpProblem(500, "internal", "The relay failed; the log says why.").problem,
      retryable ? { "retry-after": "1" } : {},
    );
  };
}

/** The answer to a path that does not exist. */
export function answerNotFound(context: Context): Response {
  return problemResponse(
    new HttpProblem(404, "route.unknown", `There is no ${context.req.method} ${context.req.path}.`).problem,
  );
}
