import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { queues, secrets, tables } from "../../shared/aws/resources.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import type { TestRelay } from "./testRelay.ts";

/** The environment of ingest on AWS: the queue table, the keys and the notify queue, without access to cursors or sessions. */
export function ingestEnvironment(
  { relay }: TestRelay,
  notifyQueueUrl = relay.queues.notify.url,
): Environment {
  return {
    [tables.queue.variable]: relay.tableNames.queue,
    [tables.keys.variable]: relay.tableNames.keys,
    [queues.notify.variable]: notifyQueueUrl,
    [secrets.apiKey.plainVariable]: "local",
    ...relay.connection,
  };
}

/** A request as API Gateway passes it to ingest. */
export function appendRequest(feed: string, events: readonly object[]): APIGatewayProxyEventV2 {
  const path = `/v1/feeds/${feed}/events`;
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: path,
    rawQueryString: "",
    headers: { authorization: "Bearer local", "content-type": "application/json", host: "relay" },
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      domainName: "relay",
      domainPrefix: "relay",
      requestId: "request",
      routeKey: "$default",
      stage: "$default",
      time: "23/Nov/2026:08:00:24 +0000",
      timeEpoch: 1795420824000,
      http: { method: "POST", path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
    },
    body: JSON.stringify(events),
    isBase64Encoded: false,
  };
}
