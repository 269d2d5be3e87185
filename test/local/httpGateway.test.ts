import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HttpGateway, startHttpGateway } from "../../local/httpGateway.ts";
import type { LocalFunction } from "../../local/invoke.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { until } from "./support/until.ts";

let gateway: HttpGateway;
let url: string;
let events: { name: string; event: APIGatewayProxyEventV2 }[];
let reply: () => Promise<unknown>;

beforeEach(async () => {
  events = [];
  reply = async () => ({ statusCode: 204 });
  const fake = (name: string): LocalFunction<APIGatewayProxyEventV2> => ({
    name,
    region: "us-east-1",
    timeoutMillis: 300,
    handler: (event) => {
      events.push({ name, event });
      return reply();
    },
  });
  gateway = await startHttpGateway({
    host: "127.0.0.1",
    port: 0,
    allowedHosts: ["api.example.test", "h"],
    ingest: fake("ingest"),
    api: fake("api"),
    isAuthorised: async () => true,
    log: silentLog,
  });
  url = `http://127.0.0.1:${gateway.port}`;
});

afterEach(() => gateway.close());

/** Sends a raw request, and resolves with the whole raw response. */
function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write(request));
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
    });
    socket.once("end", () => resolve(answer));
    socket.once("error", reject);
  });
}

describe("the event that a function gets", () => {
  it("matches AWS's documentation of payload format 2.0", async () => {
    await raw(
      [
        "GET /v1/sessions/a%20b?parameter1=value1&parameter1=value2&parameter2=a%26b HTTP/1.1",
        "Host: api.example.test",
        "User-Agent: agent",
        "Header1: value1",
        "Header2: value1",
        "HEADER2: value2",
        "Cookie: cookie1=a; cookie2=b",
        "Connection: close",
        "",
        "",
      ].join("\r\n"),
    );
    expect(events).toHaveLength(1);
    expect(events[0]?.name).toBe("api");
    expect(events[0]?.event).toEqual({
      version: "2.0",
      routeKey: "$default",
      rawPath: "/v1/sessions/a b",
      rawQueryString: "parameter1=value1&parameter1=value2&parameter2=a%26b",
      cookies: ["cookie1=a", "cookie2=b"],
      headers: {
        host: "api.example.test",
        "user-agent": "agent",
        header1: "value1",
        header2: "value1,value2",
        connection: "close",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": String(gateway.port),
        "x-forwarded-proto": "http",
      },
      queryStringParameters: { parameter1: "value1,value2", parameter2: "a&b" },
      requestContext: {
        accountId: "000000000000",
        apiId: "local",
        domainName: "api.example.test",
        domainPrefix: "api",
        http: {
          method: "GET",
          path: "/v1/sessions/a b",
          protocol: "HTTP/1.1",
          sourceIp: "127.0.0.1",
          userAgent: "agent",
        },
        requestId: expect.any(String),
        routeKey: "$default",
        stage: "$default",
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      isBase64Encoded: false,
    });
  });

  it("goes to ingest for a feed's events, and to the API for all other routes", async () => {
    const path = `${url}/v1/feeds/my-feed/events`;
    await fetch(path, { method: "POST", body: "[]", headers: { "content-type": "application/json" } });
    await fetch(path);
    await fetch(`${path}/`, { method: "POST" });
    await fetch(`${url}/v1/feeds/my-feed`);
    expect(events.map(({ name }) => name)).toEqual(["ingest", "api", "api", "api"]);
    expect(events[0]?.event).toMatchObject({
      routeKey: "POST /v1/feeds/{feed}/events",
      pathParameters: { feed: "my-feed" },
      body: "[]",
      isBase64Encoded: false,
    });
  });

  const text = '{"name":"ü"}\n';
  it.each<[string, Record<string, string>, string | Uint8Array<ArrayBuffer>, boolean]>([
    ["JSON", { "content-type": "application/json; charset=utf-8" }, text, false],
    ["plain text", { "content-type": "text/plain" }, text, false],
    ["NDJSON", { "content-type": "application/x-ndjson" }, text, true],
    ["a form, as curl sends by default", { "content-type": "application/x-www-form-urlencoded" }, text, true],
    ["bytes without a content type", {}, Uint8Array.from([0, 255, 128]), true],
    [
      "compressed JSON",
      { "content-type": "application/json", "content-encoding": "gzip" },
      new Uint8Array(gzipSync(text)),
      true,
    ],
  ])("carries %s so that every byte is kept", async (_, headers, body, isBase64Encoded) => {
    await fetch(`${url}/v1/feeds/f/events`, { method: "POST", headers, body });
    const event = events[0]?.event;
    expect(event?.isBase64Encoded).toBe(isBase64Encoded);
    expect(Buffer.from(event?.body ?? "", isBase64Encoded ? "base64" : "utf8")).toEqual(Buffer.from(body));
  });
});

describe("the response", () => {
  it("is built from the structured result", async () => {
    reply = async () => ({
      statusCode: 201,
      headers: { "Content-Type": "application/json", "X-Number": 5 },
      cookies: ["a=1", "b=2"],
      body: Buffer.from("{}").toString("base64"),
      isBase64Encoded: true,
    });
    const response = await fetch(url);
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("x-number")).toBe("5");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe("{}");
  });

  it("is the result itself if the result has no status", async () => {
    reply = async () => ({ hello: "world" });
    const response = await fetch(url);
    expect([response.status, await response.json()]).toEqual([200, { hello: "world" }]);
  });

  it("says that a function failed, without details", async () => {
    reply = () => Promise.reject(new Error("a secret detail"));
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).not.toContain("secret");
  });

  it("is 503 when the function takes too long", async () => {
    reply = () => new Promise(() => {});
    expect((await fetch(url)).status).toBe(503);
  });

  it("is 413 for a body over 10 MB, announced or not, and the function is not invoked", async () => {
    const announced = await raw(
      `POST /v1/feeds/f/events HTTP/1.1\r\nHost: h\r\nContent-Length: ${10 * 1024 * 1024 + 1}\r\n\r\n`,
    );
    expect(announced).toMatch(/^HTTP\/1.1 413 /);
    const megabyte = new Uint8Array(1024 * 1024);
    const body = ReadableStream.from(Array.from({ length: 11 }, () => megabyte));
    const status = await fetch(`${url}/v1/feeds/f/events`, { method: "POST", body, duplex: "half" }).then(
      (response) => response.status,
      () => "the connection was closed while sending",
    );
    expect([413, "the connection was closed while sending"]).toContain(status);
    expect(events).toEqual([]);
  });

  it("is 400 for a path whose escapes are broken", async () => {
    expect((await fetch(`${url}/v1/%zz`)).status).toBe(400);
  });
});

describe("closing", () => {
  it("answers the requests in flight, and accepts no more", async () => {
    const gate = Promise.withResolvers<unknown>();
    reply = () => gate.promise;
    const underWay = fetch(url);
    await until(() => events.length === 1, "the function is invoked");
    const closing = gateway.close();
    gate.resolve({ statusCode: 200, body: "done" });
    expect(await (await underWay).text()).toBe("done");
    await closing;
    await expect(fetch(url)).rejects.toThrow();
  });

  it("rejects with the system's error when the port is taken", async () => {
    const never: LocalFunction<APIGatewayProxyEventV2> = {
      name: "never",
      region: "",
      timeoutMillis: 1,
      handler: async () => {},
    };
    await expect(
      startHttpGateway({
        host: "127.0.0.1",
        port: gateway.port,
        allowedHosts: [],
        ingest: never,
        api: never,
        isAuthorised: async () => true,
        log: silentLog,
      }),
    ).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("requests that are sent without waiting for the responses", () => {
  const get = "GET /v1/sessions HTTP/1.1\r\nHost: h\r\n";

  it("are answered one after another", async () => {
    const answer = await raw(`${`${get}\r\n`.repeat(10)}${get}Connection: close\r\n\r\n`);
    expect(answer.split("HTTP/1.1 204").length - 1).toBe(11);
  });

  it("end their connection when there are too many", async () => {
    reply = () => new Promise(() => {});
    await raw(`${get}\r\n`.repeat(1000)).catch(() => "");
    expect(events.length).toBeLessThanOrEqual(16);
    reply = async () => ({ statusCode: 204 });
    expect(await raw(`${get}Connection: close\r\n\r\n`)).toContain("204");
  });
});
