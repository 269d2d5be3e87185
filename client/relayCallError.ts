import type { Problem } from "./types.ts";

/** The statuses beside 5xx after which the same request may succeed later. */
const RETRYABLE_STATUSES = new Set([408, 429]);

/**
 * A call that did not succeed: the relay answered with a problem, something before it answered in its place, or there was
 * no answer at all. After a failure without an answer nobody knows whether the call took effect.
 */
export class RelayCallError extends Error {
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Stable, for programs: the problem's code, `http.<status>`, `answer.invalid`, `call.timeout` or `call.failed`. */
  readonly code: string;
  readonly detail: string;
  /** Where the request is wrong, one entry per place. */
  readonly errors: NonNullable<Problem["errors"]>;
  /** Events that were refused, by their index in the request. */
  readonly refused: NonNullable<Problem["refused"]>;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the relay asks to be left alone. */
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

/** The error that an answer without success stands for. */
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

/** What a gateway or proxy before the relay answers is no problem document. */
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
