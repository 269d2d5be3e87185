import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { httpBodyLimitBytes } from "../shared/aws/limits.ts";
import { isLoopbackName, isServedHost } from "../shared/http/hosts.ts";
import type { Log } from "../shared/runtime/log.ts";
import { BodyReader } from "./bodyReader.ts";
import { type Route, toHttpEvent } from "./httpEvent.ts";
import { InvocationTimeoutError, invoke, type LocalFunction } from "./invoke.ts";
import { type RequestTarget, targetOf } from "./requestTarget.ts";

/*
 * What API Gateway does in front of the functions: picks one by route, turns the request into its event, and
 * answers with what the function returned.
 */

const INGEST_PATH = /^\/v1\/feeds\/([^/]+)\/events$/;
const INGEST_ROUTE = "POST /v1/feeds/{feed}/events";

/** What may be asked without a key, and by whatever name: whether it runs, and what it is. */
const PUBLIC_PATH = /^\/(?:v1\/(?:health|openapi\.json))?$/;
const HEALTH_PATH = "/v1/health";

/** Of all bodies together that are being received: a few of the largest. */
const TOTAL_BODY_BYTES = 64 * 1024 * 1024;
const MAX_CONNECTIONS = 512;
/**
 * Of one connection at a time. Node begins all requests that a client sends without waiting for the responses: 20
 * connections with 1,000 requests each took all memory.
 */
const MAX_REQUESTS_PER_CONNECTION = 16;
/** A request that is not complete by then is given up. API Gateway waits about as long. */
const REQUEST_MILLIS = 30_000;
const HEADERS_MILLIS = 10_000;
const CHECK_EVERY_MILLIS = 1_000;

export interface HttpGatewayOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Names by which callers may call, besides those of this machine. */
  readonly allowedHosts: readonly string[];
  readonly ingest: LocalFunction<APIGatewayProxyEventV2>;
  readonly api: LocalFunction<APIGatewayProxyEventV2>;
  /** Whether a request's headers hold a key. A body is received only after it. */
  isAuthorised(headers: Pick<IncomingHttpHeaders, "authorization" | "cookie" | "host">): Promise<boolean>;
  /** Why nothing can be kept at present; undefined when all is well. */
  fault?(): string | undefined;
  readonly log: Log;
}

export interface HttpGateway {
  readonly port: number;
  /** Takes no further requests; resolves when those in flight are answered. */
  close(): Promise<void>;
  /** Closes what is left, answered or not. */
  closeNow(): void;
}

/** Rejects with the system's error (`EADDRINUSE` …) when it cannot listen. */
export async function startHttpGateway(options: HttpGatewayOptions): Promise<HttpGateway> {
  const server = createServer({
    requestTimeout: REQUEST_MILLIS,
    headersTimeout: HEADERS_MILLIS,
    connectionsCheckingInterval: CHECK_EVERY_MILLIS,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const bodies = new BodyReader({ bodyBytes: httpBodyLimitBytes, totalBytes: TOTAL_BODY_BYTES });
  const unanswered = new WeakMap<Socket, number>();
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const requests = (unanswered.get(socket) ?? 0) + 1;
    unanswered.set(socket, requests);
    if (requests > MAX_REQUESTS_PER_CONNECTION) return socket.destroy();
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 0) - 1));
    // A connection that is kept alive after its last answer would hold up closing.
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections();
    });
    void answer(options, bodies, request, response);
  };
  server.on("request", onRequest);
  // Without a listener Node would invite the body before the key is checked.
  server.on("checkContinue", onRequest);
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, options.host, listening);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () => new Promise((closed) => server.close(() => closed())),
    closeNow: () => server.closeAllConnections(),
  };
}

async function answer(
  options: HttpGatewayOptions,
  bodies: BodyReader,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const target = targetOf(request);
    if (target === undefined)
      return sendProblem(response, 400, "target.invalid", "The request target is malformed.");
    const foreign = foreignness(options, request, target);
    if (foreign !== undefined) return sendProblem(response, ...foreign);
    const fault = options.fault?.();
    if (fault !== undefined && (target.path === HEALTH_PATH || !PUBLIC_PATH.test(target.path)))
      return sendProblem(response, 503, "storage.fault", fault);

    // Without the key the function answers a request without its body, which is never received.
    const isAuthorised = await options.isAuthorised(request.headers);
    const body = isAuthorised ? await receive(bodies, request, response) : Buffer.alloc(0);
    if (body === "too-large")
      return sendProblem(response, 413, "body.too-large", `A body may have ${httpBodyLimitBytes} bytes.`);
    if (body === "given-up")
      return sendProblem(response, 503, "relay.busy", "Too many bodies are being received at once.");
    const { target: called, route } = pick(options, request, target.path);
    const result = await invoke(called, toHttpEvent(request, target, route, body));
    closeUnlessComplete(request, response);
    send(response, result);
  } catch (error) {
    if (request.destroyed && !request.complete) return; // The client went away while sending.
    options.log.error("request failed", { method: request.method, path: request.url, error: String(error) });
    if (error instanceof InvocationTimeoutError)
      sendProblem(response, 503, "function.timeout", "The function took too long.");
    else sendProblem(response, 500, "internal", "The function failed; its log says why.");
  }
}

/** Why a request is not for us: status, code and detail. */
function foreignness(
  { host, allowedHosts }: HttpGatewayOptions,
  request: IncomingMessage,
  target: RequestTarget,
): [number, string, string] | undefined {
  const served = { listensOnLoopback: isLoopbackName(host), allowedHosts };
  const { origin } = request.headers;
  if (origin !== undefined && !isServedHost(URL.parse(origin)?.host ?? "", served))
    return [403, "origin.foreign", "Pages of other origins may not call the relay."];
  if (target.host === undefined || PUBLIC_PATH.test(target.path) || isServedHost(target.host, served)) return;
  return [
    421,
    "host.foreign",
    "The relay does not answer to this host name. RELAY_ALLOWED_HOSTS can add it.",
  ];
}

async function receive(bodies: BodyReader, request: IncomingMessage, response: ServerResponse) {
  if (/^100-continue$/i.test(request.headers.expect ?? "")) response.writeContinue();
  return bodies.read(request);
}

function pick(options: HttpGatewayOptions, request: IncomingMessage, path: string) {
  const feed = request.method === "POST" ? INGEST_PATH.exec(path)?.[1] : undefined;
  if (feed === undefined) return { target: options.api, route: { key: "$default" } satisfies Route };
  return { target: options.ingest, route: { key: INGEST_ROUTE, pathParameters: { feed } } satisfies Route };
}

/** A result without a status code is taken as the body of a 200, as API Gateway does. */
function send(response: ServerResponse, result: unknown): void {
  const asBody = () => ({
    statusCode: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(result ?? null),
  });
  sendStructured(response, isStructured(result) ? result : asBody());
}

function isStructured(result: unknown): result is APIGatewayProxyStructuredResultV2 {
  return typeof result === "object" && result !== null && "statusCode" in result;
}

function sendStructured(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  const headers: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(result.headers ?? {}))
    headers[name.toLowerCase()] = String(value);
  if (result.cookies !== undefined && result.cookies.length > 0) headers["set-cookie"] = result.cookies;
  const body = Buffer.from(result.body ?? "", result.isBase64Encoded ? "base64" : "utf8");
  if (body.length > 0) headers["content-type"] ??= "text/plain;charset=UTF-8";
  if (result.statusCode !== 204 && result.statusCode !== 304) headers["content-length"] = body.length;
  response.writeHead(result.statusCode ?? 200, headers).end(body);
}

function sendProblem(response: ServerResponse, status: number, code: string, detail: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  closeUnlessComplete(response.req, response);
  sendStructured(response, {
    statusCode: status,
    headers: { "content-type": "application/problem+json", ...(status === 503 && { "retry-after": "1" }) },
    body: JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, code, detail }),
  });
}

/** The rest of a body is not wanted: the connection cannot be used for another request. */
function closeUnlessComplete(request: IncomingMessage, response: ServerResponse): void {
  if (!request.complete) response.setHeader("connection", "close");
}
