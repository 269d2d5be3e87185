import { describe, expect, it } from "vitest";
import { RelayCallError, RelayClient } from "../../../client/index.ts";
import packageJson from "../../../package.json" with { type: "json" };

interface Sent {
  readonly method: string | undefined;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** A client whose requests are recorded and answered in turn. */
function clientOf(...answers: readonly (Response | Error)[]) {
  const sent: Sent[] = [];
  const left = [...answers];
  const client = new RelayClient({
    url: "http://relay/",
    apiKey: "key",
    fetch: async (input, init) => {
      const { method, headers, body } = init ?? {};
      sent.push({ method, url: String(input), headers: new Headers(headers), body });
      const answer = left.shift() ?? Response.json({});
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { client, sent };
}

async function failureOf(call: Promise<unknown>): Promise<RelayCallError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason) => reason,
  );
  if (error instanceof RelayCallError) return error;
  throw new Error(`no RelayCallError but ${String(error)}`);
}

const problem = (status: number, more: object = {}, headers: Record<string, string> = {}) =>
  Response.json(
    { type: "about:blank", title: "T", status, code: "some.code", detail: "what", ...more },
    { status, headers },
  );

describe("the client's calls", () => {
  it("match the interface and carry the key", async () => {
    const { client, sent } = clientOf();
    const session = { feed: "pbx", url: "https://example.com/" };
    await client.createSession(session);
    await client.session("ses/1");
    await client.changeSession("ses_1", { state: "paused" });
    await client.deleteSession("ses_1");
    await client.feed("pbx");
    await client.changeFeed("pbx", { wrapUnmapped: true });
    await client.messages("pbx");
    await client.messages("pbx", { from: 5, limit: 10, format: "ami" });
    await client.append("pbx", [{ type: "A" }, '{"type": "B"}']);
    await client.append("pbx", [{ type: "A" }], { producer: "bridge", position: 7 });
    await client.appendAmi("pbx", "Event: A\r\n\r\n");
    expect(await client.isHealthy()).toBe(true);
    await client.producers("p/x");
    await client.createKey({ name: "k", role: "reader", feeds: ["pbx"] });
    await client.deleteKey("key/1");
    expect(sent.map(({ method, url, body }) => [method, url.replace("http://relay/v1", ""), body])).toEqual([
      ["POST", "/sessions", JSON.stringify(session)],
      ["GET", "/sessions/ses%2F1", undefined],
      ["PATCH", "/sessions/ses_1", '{"state":"paused"}'],
      ["DELETE", "/sessions/ses_1", undefined],
      ["GET", "/feeds/pbx", undefined],
      ["PATCH", "/feeds/pbx", '{"wrapUnmapped":true}'],
      ["GET", "/feeds/pbx/messages", undefined],
      ["GET", "/feeds/pbx/messages?from=5&limit=10&format=ami", undefined],
      ["POST", "/feeds/pbx/events", '{"type":"A"}\n{"type": "B"}'],
      ["POST", "/feeds/pbx/events", '{"type":"A"}'],
      ["POST", "/feeds/pbx/events", "Event: A\r\n\r\n"],
      ["GET", "/health", undefined],
      ["GET", "/feeds/p%2Fx/producers", undefined],
      ["POST", "/keys", '{"name":"k","role":"reader","feeds":["pbx"]}'],
      ["DELETE", "/keys/key%2F1", undefined],
    ]);
    for (const { headers } of sent) {
      expect(headers.get("authorization")).toBe("Bearer key");
      expect(headers.get("user-agent")).toBe(`stasis-relay-client/${packageJson.version}`);
    }
    const types = sent.map(({ headers }) => headers.get("content-type"));
    expect([types[0], types[8], types[10], types[4]]).toEqual([
      "application/json",
      "application/x-ndjson",
      "text/x-ami",
      null,
    ]);
    const from = sent.map(({ headers }) => [headers.get("relay-producer"), headers.get("relay-position")]);
    expect(from.slice(8, 10)).toEqual([
      [null, null],
      ["bridge", "7"],
    ]);
  });

  it("return the relay's response, and undefined for a response without a body", async () => {
    const { client } = clientOf(Response.json({ feed: "pbx", tail: 3 }), new Response(null, { status: 204 }));
    expect(await client.feed("pbx")).toEqual({ feed: "pbx", tail: 3 });
    expect(await client.deleteSession("ses_1")).toBeUndefined();
  });

  it("list sessions page by page, only as far as the caller reads", async () => {
    const pages = () => [
      Response.json({ sessions: [{ id: "a" }, { id: "b" }], after: "b" }),
      Response.json({ sessions: [{ id: "c" }] }),
    ];
    const all = clientOf(...pages());
    expect((await Array.fromAsync(all.client.listSessions(2))).map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(all.sent.map(({ url }) => url)).toEqual([
      "http://relay/v1/sessions?limit=2",
      "http://relay/v1/sessions?limit=2&after=b",
    ]);
    const some = clientOf(...pages());
    for await (const { id } of some.client.listSessions()) if (id === "a") break;
    expect(some.sent).toHaveLength(1);
  });
});

describe("a call that fails", () => {
  it("throws the relay's reason, and the places of the mistakes", async () => {
    const errors = [{ at: "body.url", error: "is missing" }];
    const { client } = clientOf(problem(400, { errors }));
    const error = await failureOf(client.feed("pbx"));
    expect(error).toMatchObject({
      status: 400,
      code: "some.code",
      detail: "what",
      errors,
      refused: [],
      retryable: false,
    });
    expect(error.message).toBe("GET /v1/feeds/pbx: 400 some.code: what; body.url: is missing");
  });

  it("names the refused events", async () => {
    const refused = [{ index: 3, error: "no type" }];
    const { client } = clientOf(problem(422, { refused }));
    expect((await failureOf(client.append("pbx", [{}]))).refused).toEqual(refused);
  });

  it.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [409, false],
    [413, false],
    [429, true],
    [500, true],
    [503, true],
  ])("with status %i is retryable: %s", async (status, retryable) => {
    expect((await failureOf(clientOf(problem(status)).client.feed("pbx"))).retryable).toBe(retryable);
  });

  it("says how long the relay asks to wait", async () => {
    const retryAfter = async (value: string) =>
      (await failureOf(clientOf(problem(503, {}, { "retry-after": value })).client.feed("pbx")))
        .retryAfterMillis;
    expect(await retryAfter("2")).toBe(2_000);
    expect(await retryAfter(new Date(Date.now() - 60_000).toUTCString())).toBe(0);
    expect(await retryAfter(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
    expect(await retryAfter("soon")).toBeUndefined();
    expect((await failureOf(clientOf(problem(503)).client.feed("pbx"))).retryAfterMillis).toBeUndefined();
  });

  it.each(["<h1>Bad Gateway</h1>", '{"message":"Internal"}', "null", '{"code":1,"detail":"x"}'])(
    "names the status when a gateway answered in the relay's place: %s",
    async (text) => {
      const error = await failureOf(clientOf(new Response(text, { status: 502 })).client.feed("pbx"));
      expect(error).toMatchObject({ status: 502, code: "http.502", detail: text, retryable: true });
    },
  );

  it("is retryable when the response is not from the relay", async () => {
    const error = await failureOf(clientOf(new Response("<h1>Log in</h1>")).client.feed("pbx"));
    expect(error).toMatchObject({ status: 200, code: "answer.invalid", retryable: true });
  });

  it("is retryable when no response arrives", async () => {
    const cause = new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
    const error = await failureOf(clientOf(cause).client.feed("pbx"));
    expect(error).toMatchObject({
      status: undefined,
      code: "call.failed",
      detail: "fetch failed: connect ECONNREFUSED",
      retryable: true,
      cause,
    });
  });

  it("times out", async () => {
    const client = new RelayClient({
      url: "http://relay",
      apiKey: "key",
      timeoutMillis: 1,
      fetch: (_, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
        }),
    });
    const error = await failureOf(client.feed("pbx"));
    expect(error).toMatchObject({ status: undefined, code: "call.timeout", retryable: true });
    expect(await client.isHealthy()).toBe(false);
  });
});
