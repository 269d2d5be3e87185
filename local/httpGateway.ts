import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { httpBodyLimitBytes } from "../shared/aws/limits.ts";
import type { Log } from "../shared/runtime/log.ts";
import { pathOf, type Route, toHttpEvent } from "./httpEvent.ts";
import { InvocationTimeoutError, invoke, type LocalFunction } from "./invoke.ts";

/*
 * What API Gateway does in front of the functions: picks one by route, turns the request into its event, and
 * answers with what the function returned.
 */

const INGEST_PATH = /^\/v1\/feeds\/([^/]+)\/events$/;
const INGEST_ROUTE = "POST /v1/feeds/{feed}/events";

export interface HttpGatewayOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly ingest: LocalFunction<APIGatewayProxyEventV2>;
  readonly api: LocalFunction<APIGatewayProxyEventV2>;
  readonly log: Log;
}

export interface HttpGateway {
  readonly port: number;
  /** Takes no further requests; resolves when those under way are answered. */
  close(): Promise<void>;
}

/** Rejects with the system's error (`EADDRINUSE` …) when it cannot listen. */
export async function startHttpGateway(options: HttpGatewayOptions): Promise<HttpGateway> {
  const server = createServer((request, response) => {
    // A connection that is kept alive after its last answer would hold up closing.
    response.once("close", () => {
      if (!server.listening) server.closeIdleConnections();
    });
    void answer(options, request, response);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.port, options.host, listening);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    close: () => new Promise((closed) => server.close(() => closed())),
  };
}

async function answer(
  options: HttpGatewayOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const path = pathOf(request);
    if (path === undefined) return sendProblem(response, 400, "Bad Request", "the path is not well escaped");
    const body = await readBody(request);
    if (body === undefined) {
      response.setHeader("connection", "close");
      return sendProblem(response, 413, "Content Too Large", `a body may have ${httpBodyLimitBytes} bytes`);
    }
    const { target, route } = pick(options, request, path);
    send(response, await invoke(target, toHttpEvent(request, path, route, body)));
  } catch (error) {
    if (request.destroyed && !request.complete) return; // The client went away while sending.
    options.log.error("request failed", { method: request.method, path: request.url, error: String(error) });
    if (error instanceof InvocationTimeoutError)
      sendProblem(response, 503, "Service Unavailable", "the function took too long");
    else sendProblem(response, 500, "Internal Server Error", "the function failed; its log says why");
  }
}

function pick(options: HttpGatewayOptions, request: IncomingMessage, path: string) {
  const feed = request.method === "POST" ? INGEST_PATH.exec(path)?.[1] : undefined;
  if (feed === undefined) return { target: options.api, route: { key: "$default" } satisfies Route };
  return { target: options.ingest, route: { key: INGEST_ROUTE, pathParameters: { feed } } satisfies Route };
}

/** Undefined when the body is larger than API Gateway passes on. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > httpBodyLimitBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > httpBodyLimitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
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

function sendProblem(response: ServerResponse, status: number, title: string, detail: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  sendStructured(response, {
    statusCode: status,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ type: "about:blank", title, status, detail }),
  });
}
