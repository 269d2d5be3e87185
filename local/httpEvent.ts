import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import type { RequestTarget } from "./requestTarget.ts";

/*
 * A request in the shape of API Gateway's HTTP API, payload format 2.0. Where the documentation is silent, this
 * does what was observed on AWS: the path arrives decoded, and a body is passed as text only for `text/*` and
 * three application types, so that NDJSON, forms and everything compressed arrive in base64.
 */

const STAGE = "$default";
const TEXT_TYPES = /^(text\/.*|application\/(json|xml|javascript))$/;

export interface Route {
  /** As API Gateway names it: method and path template, or `$default`. */
  readonly key: string;
  readonly pathParameters?: Record<string, string>;
}

export function toHttpEvent(
  request: IncomingMessage,
  { host = "localhost", path, query }: RequestTarget,
  route: Route,
  body: Buffer,
): APIGatewayProxyEventV2 {
  const now = new Date();
  const headers = headersOf(request);
  headers.host = host;
  const sourceIp = request.socket.remoteAddress ?? "";
  const cookies = request.headersDistinct.cookie?.flatMap((header) => header.split(/;\s*/));
  // Text would replace what is not UTF-8, and the function could no longer refuse it.
  const isText =
    TEXT_TYPES.test(mediaType(headers)) && headers["content-encoding"] === undefined && isUtf8(body);
  return {
    version: "2.0",
    routeKey: route.key,
    rawPath: path,
    rawQueryString: query,
    ...(cookies === undefined ? {} : { cookies }),
    headers: {
      ...headers,
      "x-forwarded-for": sourceIp,
      "x-forwarded-port": String(request.socket.localPort ?? ""),
      "x-forwarded-proto": "http",
    },
    ...(query === "" ? {} : { queryStringParameters: parametersOf(query) }),
    requestContext: {
      accountId: "000000000000",
      apiId: "local",
      domainName: host,
      domainPrefix: host.split(".", 1)[0] ?? "",
      http: {
        method: request.method ?? "GET",
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: route.key,
      stage: STAGE,
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(route.pathParameters === undefined ? {} : { pathParameters: route.pathParameters }),
    ...(body.length === 0 ? {} : { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** Lower-cased names, repeated headers joined by comma; cookies have their own place in the event. */
function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(request.headersDistinct))
    if (values !== undefined && name !== "cookie") headers[name] = values.join(",");
  return headers;
}

function parametersOf(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query))
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value;
  return parameters;
}

function mediaType(headers: Record<string, string>): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** For example `12/Mar/2020:19:03:58 +0000`. */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(/[ ,]+/);
  return `${day}/${month}/${year}:${time} +0000`;
}
