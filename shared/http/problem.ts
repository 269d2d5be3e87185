/** An error response (RFC 9457). `code` is stable. `detail` says what is wrong and where. */
export interface Problem {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** Where the request is wrong, one entry per place. */
  readonly errors?: readonly { readonly at: string; readonly error: string }[] | undefined;
  /** The refused events, by their index in the body. */
  readonly refused?: readonly { readonly index: number; readonly error: string }[] | undefined;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 503;

/** Thrown by a route. `answerProblem` makes the response. */
export class HttpProblem extends Error {
  readonly problem: Problem;
  /** When the same request may succeed. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: ProblemStatus,
    code: string,
    detail: string,
    { retryAfterSeconds, ...more }: Pick<Problem, "errors" | "refused"> & { retryAfterSeconds?: number } = {},
  ) {
    super(detail);
    this.name = "HttpProblem";
    this.problem = { type: "about:blank", title: TITLES[status] ?? "Error", status, code, detail, ...more };
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}
