import type { Problem } from "./types.ts";

/** Statuses below 500 after which the same request may succeed later. */
const RETRYABLE_STATUSES = new Set([408, 429]);

/**
 * A call that failed: the relay returned a problem, a gateway in front of it returned an error, or no response arrived.
 * Without a response, it is unknown whether the call took effect.
 */
export class RelayCallError extends Error {
  /** The HTTP status; undefined if no response arrived. */
  readonly status: number | undefined;
  /**
   * Stable, for programs. The problem's own code, or:
   * - `http.<status>`: the response is not a problem document.
   * - `answer.invalid`: the response is not JSON.
   * - `call.timeout`: no response within `timeoutMillis`.
   * - `call.aborted`: the caller's signal ended the call.
   * - `call.failed`: the connection failed.
   */
  readonly code: string;
  readonly detail: string;
  /** The request's mistakes, each with its place. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** The refused events, by their index in the request. */
  readonly refused: NonNullable<Problem["refused"]>;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the relay asks the caller to wait before a retry (`Retry-After`). */
  readonly retryAfterMillis: number | undefined;

  constructor(
    call: string,
    problem: Partial<Problem> & { readonly code: string; readonly detail: string },
    options: { retryable?: boolean; retryAfterMillis?: number | undefined; cause?: unknown } = {},
  ) {
    const { status, code, detail, errors = [], refused = [] } = problem;
    const places = errors.map(({ at, error }) => `; ${at}: ${error}`).join("");
    super(`${call}: ${status === undefined ? "" : `${status} `}${code}: ${detail}${places}`, {
      cause: options.cause,
    });
    this.name = "RelayCallError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.refused = refused;
    this.retryable =
      options.retryable ?? (status === undefined || status >= 500 || RETRYABLE_STATUSES.has(status));
    this.retryAfterMillis = options.retryAfterMillis;
  }
}

/** The error for a response that reports a failure. */
export function errorOfAnswer(
  call: string,
  answer: Pick<Response, "status" | "headers">,
  text: string,
  nowEpochMillis: number,
): RelayCallError {
  const { status, headers } = answer;
  const retryAfterMillis = parseRetryAfter(headers.get("retry-after"), nowEpochMillis);
  const problem = { code: `http.${status}`, detail: text.slice(0, 500), ...problemOf(text), status };
  return new RelayCallError(call, problem, { retryAfterMillis });
}

/** The problem in the response's text. Empty if a gateway or proxy answered, which sends no problem document. */
function problemOf(text: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(text);
    return isProblem(value) ? value : {};
  } catch {
    return {};
  }
}

function isProblem(value: unknown): value is Problem {
  return (
    typeof value === "object" &&
    value !== null &&
    "code" in value &&
    typeof value.code === "string" &&
    "detail" in value &&
    typeof value.detail === "string"
  );
}

/** Seconds or an HTTP date (RFC 9110 10.2.3). */
function parseRetryAfter(value: string | null, nowEpochMillis: number): number | undefined {
  if (value === null) return undefined;
  const millis = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowEpochMillis;
  return Number.isNaN(millis) ? undefined : Math.max(0, millis);
}
