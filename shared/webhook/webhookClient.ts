import type { Dispatcher } from "undici";
import packageJson from "../../package.json" with { type: "json" };
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Settings } from "../runtime/settings.ts";
import { type AddressGuard, createAddressGuard } from "./addressGuard.ts";
import type { WebhookBody } from "./body.ts";
import { codeOf, excerptOf, sanitise } from "./failureDetail.ts";
import {
  ConnectionFailure,
  createGuardedConnector,
  type ResolveHost,
  resolveHost,
} from "./guardedConnector.ts";
import { type Connection, createOriginConnections } from "./originConnections.ts";
import type { DeliveryOutcome } from "./outcome.ts";
import { isExhaustion } from "./ownLack.ts";
import { parseRetryAfter } from "./retryAfter.ts";
import { type SignatureHeaders, sign } from "./signature.ts";

/** The most bytes read of a response body. A connection can be reused only after its response has ended. */
const MAX_ANSWER_BODY_BYTES = 16_384;
/** Bytes of an error body that are enough for the excerpt. */
const EXCERPT_BYTES = 1_024;
/** Enough for the short body of a webhook's response. After this time the connection is closed. */
const ANSWER_BODY_MILLIS = 1_000;
const USER_AGENT = `stasis-relay/${packageJson.version}`;

export interface WebhookRequest {
  readonly url: string;
  /** The webhook-id: the same for every attempt to deliver the same batch. */
  readonly id: string;
  readonly body: WebhookBody;
  /** Every secret signs, see `sign`. */
  readonly secrets: readonly string[];
  readonly timestampEpochMillis: number;
  /** Overrides the client's `requestTimeoutMillis`. */
  readonly timeoutMillis?: number;
  /** Ends the request early, with reason `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

export interface WebhookClient {
  /**
   * Sends one signed POST and returns its outcome. Never rejects: every behaviour of an endpoint is an outcome. The
   * outcome is known at the end of the response headers. Only for an error does the client also wait briefly for the
   * body, to show its start to a person.
   */
  post(request: WebhookRequest): Promise<DeliveryOutcome>;
  /** Lets posts in flight end within their deadline, refuses new ones (`aborted`), and closes all connections. */
  close(): Promise<void>;
}

type Failed = Extract<DeliveryOutcome, { kind: "failed" }>;
type FailedFacts = Pick<Failed, "reason" | "detail"> & Partial<Pick<Failed, "status" | "retryAfterMillis">>;

/** The client for the operator's settings. */
export function createGuardedWebhookClient({
  allowedAddressRanges,
  requestTimeoutMillis,
}: Pick<Settings, "allowedAddressRanges" | "requestTimeoutMillis">): WebhookClient {
  return createWebhookClient({ guard: createAddressGuard(allowedAddressRanges), requestTimeoutMillis });
}

/**
 * The HTTP client for webhooks: guarded addresses, kept connections, one deadline, no redirects.
 *
 * @param options.requestTimeoutMillis from name resolution (and waiting for a connection) to the end of the
 *   response headers.
 * @param options.answerBodyMillis how long a response body may take after its headers.
 * @param options.clock the time that an HTTP-date in Retry-After is compared with.
 * @param options.lookup replaces the operating system's resolver.
 */
export function createWebhookClient(options: {
  readonly guard: AddressGuard;
  readonly requestTimeoutMillis: number;
  readonly answerBodyMillis?: number;
  readonly clock?: Clock;
  readonly lookup?: ResolveHost;
}): WebhookClient {
  const { guard, requestTimeoutMillis, answerBodyMillis = ANSWER_BODY_MILLIS, clock = systemClock } = options;
  const origins = createOriginConnections(
    createGuardedConnector({
      guard,
      resolve: options.lookup ?? resolveHost,
      connectTimeoutMillis: requestTimeoutMillis,
    }),
  );
  const closing = new AbortController();

  return {
    async post(request) {
      const startedAt = performance.now();
      const failed = (facts: FailedFacts, endedAt = performance.now()): DeliveryOutcome => ({
        kind: "failed",
        ...facts,
        detail: sanitise(facts.detail),
        durationMillis: endedAt - startedAt,
      });
      const aborted = { reason: "aborted", detail: "the relay ended the request" };

      if (closing.signal.aborted || request.signal?.aborted) return failed(aborted);
      const url = readUrl(request.url);
      if (url === undefined)
        return failed({ reason: "url.invalid", detail: "not an http: or https: URL without credentials" });
      const signature = trySign(request);
      if (signature === undefined)
        return failed({ reason: "secret.invalid", detail: "the session's secret cannot sign" });

      const timeoutMillis = request.timeoutMillis ?? requestTimeoutMillis;
      const deadline = new AbortController();
      const timer = setTimeout(() => {
        const detail = `no answer within ${timeoutMillis} ms`;
        deadline.abort({ reason: "timeout", detail } satisfies FailedFacts);
      }, timeoutMillis);
      const onAbort = () => deadline.abort(aborted satisfies FailedFacts);
      request.signal?.addEventListener("abort", onAbort, { once: true });
      try {
        const connections = origins.of(url.origin);
        const connection = await connections.take(deadline.signal);
        if (connection === undefined) return failed(deadline.signal.reason);

        const result = await exchange({
          connection,
          dispatch: toDispatch(url, signature, request.body),
          giveUp: deadline.signal,
          closing: closing.signal,
          answerBodyMillis,
          onConnectionFree: () => connections.give(connection),
        });
        if ("reason" in result) return failed(result);
        if (result.status >= 200 && result.status < 300)
          return { kind: "accepted", status: result.status, durationMillis: result.headersAt - startedAt };
        return failed(judgeStatus(result, clock), result.headersAt);
      } finally {
        clearTimeout(timer);
        request.signal?.removeEventListener("abort", onAbort);
      }
    },

    async close() {
      closing.abort();
      await origins.close();
    },
  };
}

/** Checks the URL again: an older version of the relay may have saved it with other rules. */
function readUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return undefined;
  return url.username === "" && url.password === "" ? url : undefined;
}

/** A secret that cannot sign must fail only its own session. Thrown, it would fail the whole turn again and again. */
function trySign(request: WebhookRequest): SignatureHeaders | undefined {
  try {
    return sign(request.secrets, request.id, request.timestampEpochMillis, request.body.json);
  } catch {
    return undefined;
  }
}

function toDispatch(
  url: URL,
  signature: SignatureHeaders,
  { sent, encoding }: WebhookBody,
): Dispatcher.DispatchOptions {
  const encoded = encoding === undefined ? {} : { "content-encoding": encoding };
  return {
    path: url.pathname + url.search,
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": USER_AGENT, ...encoded, ...signature },
    body: sent,
  };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** `performance.now()` when the headers were complete. */
  readonly headersAt: number;
  readonly excerpt: string;
}

/**
 * Runs one request on its own connection. `onConnectionFree` is called once, when the connection can be reused, which
 * may be later than the answer. Never rejects.
 */
function exchange(request: {
  readonly connection: Connection;
  readonly dispatch: Dispatcher.DispatchOptions;
  readonly giveUp: AbortSignal;
  readonly closing: AbortSignal;
  readonly answerBodyMillis: number;
  readonly onConnectionFree: () => void;
}): Promise<Answer | FailedFacts> {
  const { giveUp, closing } = request;
  const { promise, resolve } = Promise.withResolvers<Answer | FailedFacts>();
  let controller: Dispatcher.DispatchController | undefined;
  let answer: Omit<Answer, "excerpt"> | undefined;
  let bodyTimer: NodeJS.Timeout | undefined;
  let bodyBytes = 0;
  let isSettled = false;
  const excerpt: Buffer[] = [];

  const settle = (result: Answer | FailedFacts) => {
    isSettled = true;
    giveUp.removeEventListener("abort", onGiveUp);
    resolve(result);
  };
  const settleAnswer = () => {
    if (answer !== undefined && !isSettled) settle({ ...answer, excerpt: excerptOf(Buffer.concat(excerpt)) });
  };
  /** Ends the exchange even if more data is expected. undici closes the connection. */
  const cut = () => {
    settleAnswer();
    controller?.abort(new Error("the rest of the response is not needed"));
  };
  const onGiveUp = () => {
    if (answer === undefined) settle(giveUp.reason);
    cut();
  };
  const end = () => {
    clearTimeout(bodyTimer);
    closing.removeEventListener("abort", cutRest);
    request.onConnectionFree();
  };
  const cutRest = () => {
    if (isSettled) cut();
  };

  if (giveUp.aborted) {
    // The signal aborted after the connection was granted: a listener would never be called.
    request.onConnectionFree();
    return Promise.resolve(giveUp.reason);
  }
  giveUp.addEventListener("abort", onGiveUp, { once: true });
  closing.addEventListener("abort", cutRest, { once: true });
  request.connection.dispatch(request.dispatch, {
    onRequestStart(started) {
      // An error thrown here drops the request before a byte is written, and the connection stays usable.
      if (isSettled) throw new Error("given up before the connection was ready");
      controller = started;
      request.connection.expectResponse();
    },
    onResponseStart(_controller, status, headers) {
      if (status < 200) return;
      const retryAfter = headers["retry-after"];
      answer = {
        status,
        retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
        headersAt: performance.now(),
      };
      if (status < 400) settleAnswer();
      const isTooLong = Number(headers["content-length"] ?? 0) > MAX_ANSWER_BODY_BYTES;
      if (isSettled && (isTooLong || closing.aborted)) return cut();
      bodyTimer = setTimeout(cut, request.answerBodyMillis).unref();
    },
    onResponseData(_controller, chunk) {
      bodyBytes += chunk.length;
      if (!isSettled) excerpt.push(chunk);
      if (bodyBytes >= EXCERPT_BYTES) settleAnswer();
      if (bodyBytes > MAX_ANSWER_BODY_BYTES) cut();
    },
    onResponseEnd() {
      settleAnswer();
      end();
    },
    onResponseError(_controller, error) {
      if (answer !== undefined) settleAnswer();
      else if (!isSettled) settle(failureOf(error));
      end();
    },
  });
  return promise;
}

function failureOf(error: Error): FailedFacts {
  if (error instanceof ConnectionFailure) return { reason: error.reason, detail: error.message };
  const code = codeOf(error);
  if (isExhaustion(error))
    return { reason: "relay.exhausted", detail: `the relay itself ran short: ${code}` };
  if (code === "UND_ERR_CLOSED" || code === "UND_ERR_DESTROYED")
    return { reason: "aborted", detail: "the relay is closing" };
  return { reason: "connection.failed", detail: `the connection ended before an answer: ${code}` };
}

/** @param answer with any status except 2xx */
function judgeStatus(answer: Answer, clock: Clock): FailedFacts {
  const { status, excerpt } = answer;
  if (status < 400)
    return { reason: "http.redirect", status, detail: `status ${status}: redirects are not followed` };

  const reason = status === 410 ? "http.gone" : "http.status";
  const detail = excerpt === "" ? `status ${status}` : `status ${status}: ${excerpt}`;
  // RFC 6585 4 (429) and RFC 9110 15.6.4 (503): the two statuses with which an endpoint asks for time.
  const asksForTime = status === 429 || status === 503;
  const retryAfterMillis = asksForTime
    ? parseRetryAfter(answer.retryAfter, clock.nowEpochMillis())
    : undefined;
  return { reason, status, detail, ...(retryAfterMillis !== undefined && { retryAfterMillis }) };
}
