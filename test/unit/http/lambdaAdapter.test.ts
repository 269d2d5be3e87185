import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { Hono } from "hono";
import { expect, it } from "vitest";
import { answerHttpApi } from "../../../shared/http/lambdaAdapter.ts";

const app = new Hono()
  .get("/v1/feeds/:feed", (context) => context.text(context.req.param("feed")))
  .all("*", (context) => context.text(context.req.method));
const answer = answerHttpApi(app);

const event = (method: string): APIGatewayProxyEventV2 => ({
  version: "2.0",
  routeKey: "$default",
  rawPath: "/v1/health",
  rawQueryString: "",
  headers: { host: "relay.example" },
  requestContext: {
    accountId: "",
    apiId: "",
    domainName: "relay.example",
    domainPrefix: "",
    http: { method, path: "/v1/health", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "" },
    requestId: "",
    routeKey: "$default",
    stage: "$default",
    time: "",
    timeEpoch: 0,
  },
  isBase64Encoded: false,
});

it.each(["TRACE", "trace", "CONNECT", "TRACK"])(
  "answers %s, which no route can have, with 405",
  async (method) => {
    const result = await answer(event(method));
    expect(result).toMatchObject({ statusCode: 405, headers: { allow: "DELETE, GET, PATCH, POST" } });
    expect(JSON.parse(String(result.body))).toMatchObject({ status: 405, code: "method.not-allowed" });
  },
);

it("leaves other methods to the app", async () => {
  expect(await answer(event("PATCH"))).toMatchObject({ statusCode: 200, body: "PATCH" });
});

it("ignores the body of a GET", async () => {
  expect(await answer({ ...event("GET"), body: "[1]" })).toMatchObject({ statusCode: 200, body: "GET" });
});

it.each(["3?x=1", "a#b", "a\\b", "a\tb", "100%", "%41", "Ü"])(
  "keeps a feed's name whole: %j",
  async (feed) => {
    expect(await answer({ ...event("GET"), rawPath: `/v1/feeds/${feed}` })).toMatchObject({
      statusCode: 200,
      body: feed,
    });
  },
);
