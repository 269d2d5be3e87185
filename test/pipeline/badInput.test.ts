import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Call } from "../support/relayApi.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
  await relay.append("pbx", someEvents(1));
});

afterAll(() => relay[Symbol.asyncDispose]());

const ndjson = { "content-type": "application/x-ndjson" };
const json = { "content-type": "application/json" };
const session = { feed: "pbx", url: "http://127.0.0.1:9/" };

interface Case {
  readonly what: string;
  readonly method?: string;
  readonly path?: string;
  readonly call: Call;
  readonly status: number;
  readonly code: string;
  /** Text that the response must contain, so that a person finds the place. */
  readonly says?: string;
}

const events: readonly Case[] = [
  { what: "no key", call: { key: null, body: [] }, status: 401, code: "key.wrong" },
  { what: "a wrong key", call: { key: "locaL", body: [] }, status: 401, code: "key.wrong" },
  {
    what: "a body that is not JSON",
    call: { raw: "[{]", headers: json },
    status: 400,
    code: "body.invalid",
    says: "JSON",
  },
  {
    what: "a body that is not an array",
    call: { body: { type: "A" } },
    status: 400,
    code: "body.invalid",
    says: "array",
  },
  { what: "an empty array", call: { body: [] }, status: 400, code: "body.empty" },
  { what: "empty lines only", call: { raw: "\n\n", headers: ndjson }, status: 400, code: "body.empty" },
  {
    what: "another content type",
    call: { raw: "[]", headers: { "content-type": "text/plain" } },
    status: 415,
    code: "content-type.unsupported",
    says: "text/plain",
  },
  {
    what: "another encoding",
    call: { raw: "[]", headers: { ...json, "content-encoding": "br" } },
    status: 415,
    code: "content-encoding.unsupported",
    says: "br",
  },
  {
    what: "broken gzip",
    call: { raw: "[]", headers: { ...json, "content-encoding": "gzip" } },
    status: 400,
    code: "body.invalid",
    says: "gzip",
  },
  {
    what: "more than 1 MiB",
    call: { body: [{ type: "A", text: "x".repeat(1024 * 1024) }] },
    status: 413,
    code: "body.too-large",
  },
  {
    what: "more than 1 MiB once unpacked",
    call: {
      raw: gzipSync(JSON.stringify(someEvents(20_000))),
      headers: { ...json, "content-encoding": "gzip" },
    },
    status: 413,
    code: "body.too-large",
  },
  {
    what: "invalid UTF-8",
    call: { raw: new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d]), headers: json },
    status: 400,
    code: "body.invalid",
    says: "UTF-8",
  },
  {
    what: "events without a type",
    call: { body: [{ kind: "A" }] },
    status: 422,
    code: "events.refused",
    says: "type",
  },
  {
    what: "an event above 128 KiB",
    call: { body: [{ type: "A", text: "x".repeat(128 * 1024) }] },
    status: 422,
    code: "events.refused",
    says: "131072",
  },
  {
    what: "a position without a producer",
    call: { body: [{ type: "A" }], headers: { "relay-position": "1" } },
    status: 400,
    code: "producer.invalid",
    says: "relay-producer",
  },
  {
    what: "a producer without a position",
    call: { body: [{ type: "A" }], headers: { "relay-producer": "p" } },
    status: 400,
    code: "producer.invalid",
    says: "relay-position",
  },
  {
    what: "a position that is not a number",
    call: { body: [{ type: "A" }], headers: { "relay-producer": "p", "relay-position": "1.5" } },
    status: 400,
    code: "producer.invalid",
    says: "relay-position",
  },
  ...["-a", "a b", "%00", "ä", "a".repeat(65)].map((feed) => ({
    what: `the feed name ${JSON.stringify(feed.slice(0, 5))}`,
    path: `/v1/feeds/${feed.includes("%") ? feed : encodeURIComponent(feed)}/events`,
    call: { body: [{ type: "A" }] },
    status: 400,
    code: "feed.name-invalid",
    says: "path.feed",
  })),
].map((each) => ({ method: "POST", path: "/v1/feeds/pbx/events", ...each }));

const others: readonly Case[] = [
  {
    what: "an unknown path",
    method: "GET",
    path: "/v1/nothing",
    call: {},
    status: 404,
    code: "route.unknown",
    says: "/v1/nothing",
  },
  {
    what: "an unknown feed",
    method: "GET",
    path: "/v1/feeds/other",
    call: {},
    status: 404,
    code: "feed.unknown",
    says: "other",
  },
  {
    what: "an unknown feed's messages",
    method: "GET",
    path: "/v1/feeds/other/messages",
    call: {},
    status: 404,
    code: "feed.unknown",
  },
  {
    what: "a bad from",
    method: "GET",
    path: "/v1/feeds/pbx/messages?from=0",
    call: {},
    status: 400,
    code: "request.invalid",
    says: "query.from",
  },
  {
    what: "a bad limit",
    method: "GET",
    path: "/v1/feeds/pbx/messages?limit=1001",
    call: {},
    status: 400,
    code: "request.invalid",
    says: "query.limit",
  },
  {
    what: "an unknown session",
    method: "GET",
    path: "/v1/sessions/ses_none",
    call: {},
    status: 404,
    code: "session.unknown",
  },
  {
    what: "deleting an unknown session",
    method: "DELETE",
    path: "/v1/sessions/ses_none",
    call: {},
    status: 404,
    code: "session.unknown",
  },
  {
    what: "changing an unknown session",
    method: "PATCH",
    path: "/v1/sessions/ses_none",
    call: { body: { state: "paused" } },
    status: 404,
    code: "session.unknown",
  },
  {
    what: "an empty change",
    method: "PATCH",
    path: "/v1/sessions/ses_none",
    call: { body: {} },
    status: 400,
    code: "request.invalid",
    says: "change",
  },
  {
    what: "an unknown change",
    method: "PATCH",
    path: "/v1/sessions/ses_none",
    call: { body: { fence: 9 } },
    status: 400,
    code: "request.invalid",
    says: "fence",
  },
  {
    what: "a session that is not JSON",
    method: "POST",
    path: "/v1/sessions",
    call: { raw: "{", headers: json },
    status: 400,
    code: "request.invalid",
    says: "JSON",
  },
  {
    what: "a session with another content type",
    method: "POST",
    path: "/v1/sessions",
    call: { raw: "feed=pbx", headers: { "content-type": "text/plain" } },
    status: 415,
    code: "content-type.unsupported",
  },
  {
    what: "a session without a body",
    method: "POST",
    path: "/v1/sessions",
    call: {},
    status: 400,
    code: "request.invalid",
  },
  {
    what: "a huge session",
    method: "POST",
    path: "/v1/sessions",
    call: { body: { ...session, filter: { types: ["x".repeat(100_000)] } } },
    status: 413,
    code: "body.too-large",
  },
  ...(
    [
      [{ feed: "a b" }, "body.feed"],
      [{ kind: "carrier pigeon" }, "body.kind"],
      [{ format: "xml" }, "body.format"],
      [{ from: "yesterday" }, "body.from"],
      [{ from: 0 }, "body.from"],
      [{ maxBatch: 0 }, "body.maxBatch"],
      [{ maxBatch: 1001 }, "body.maxBatch"],
      [{ filter: { types: [] } }, "body.filter.types"],
      [{ filter: {} }, "body.filter"],
      [{ filter: { read: "bogus" } }, "body.filter.read"],
      [{ filter: { read: "call, user" } }, "no blanks"],
      [{ filter: { read: "call,," } }, "body.filter.read"],
      [{ filter: { read: ["bogus"] } }, "body.filter.read"],
      [{ unknown: 1 }, "unknown"],
    ] as const
  ).map(([change, says]) => ({
    what: `a session with ${JSON.stringify(change)}`,
    method: "POST",
    path: "/v1/sessions",
    call: { body: { ...session, ...change } },
    status: 400,
    code: "request.invalid",
    says,
  })),
  ...[
    "nonsense",
    "ftp://example.com/",
    "http://user:secret@example.com/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:10.0.0.1]/",
    "http://0x0a000001/",
    "http://[64:ff9b::a00:1]/",
  ].map((url) => ({
    what: `the URL ${url}`,
    method: "POST",
    path: "/v1/sessions",
    call: { body: { ...session, url } },
    status: 400,
    code: "url.refused",
    says: "body.url",
  })),
  {
    what: "filters with large repetitions",
    method: "POST",
    path: "/v1/sessions",
    call: {
      body: {
        ...session,
        filter: { eventFilters: new Array(100).fill("([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]") },
      },
    },
    status: 400,
    code: "filter.invalid",
    says: "([a-j]{1,2}[b-k]?[a-i]){0,300}[K-Z]",
  },
  {
    what: "a session's id that is too long",
    method: "GET",
    path: `/v1/sessions/${"x".repeat(65)}`,
    call: {},
    status: 400,
    code: "request.invalid",
    says: "path.id",
  },
  ...[
    ["DELETE", "/v1/feeds/pbx/events"],
    ["GET", "/v1/feeds/pbx/events"],
    ["PUT", "/v1/sessions"],
    ["POST", "/v1/sessions/none"],
    ["OPTIONS", "/v1/sessions/none"],
    ["DELETE", "/v1/feeds/pbx"],
    ["PUT", "/v1/feeds/pbx/messages"],
    ["QUERY", "/v1/sessions"],
  ].map(([method = "", path = ""]) => ({
    what: `${method} ${path}`,
    method,
    path,
    call: {},
    status: 405,
    code: "method.not-allowed",
    says: "allowed: ",
  })),
  ...["1e2", "0x10", " 5", "", "1.0", "+1", "0"].map((limit) => ({
    what: `the limit "${limit}"`,
    method: "GET",
    path: `/v1/sessions?limit=${encodeURIComponent(limit)}`,
    call: {},
    status: 400,
    code: "request.invalid",
    says: "query.limit",
  })),
  {
    what: "a number beyond the tail",
    method: "POST",
    path: "/v1/sessions",
    call: { body: { ...session, from: 1000 } },
    status: 409,
    code: "sequence.not-held",
    says: "1000",
  },
];

describe("bad input gets a clear response and changes nothing", () => {
  it.each([...events, ...others])(
    "$what → $status $code",
    async ({ method, path, call, status, code, says }) => {
      const answer = await relay.call(method ?? "", path ?? "", call);
      expect([answer.status, answer.json?.code]).toEqual([status, code]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.json).toMatchObject({
        type: "about:blank",
        status,
        title: expect.any(String),
        detail: expect.any(String),
      });
      if (says !== undefined) expect(answer.text).toContain(says);
      expect((await relay.feed("pbx")).tail).toBe(1);
      expect((await relay.expectCall(200, "GET", "/v1/sessions")).json).toEqual({ sessions: [] });
      expect((await relay.feed("pbx")).segments).toEqual([{ segment: 0, messages: 1, references: 0 }]);
    },
  );

  it("never shows a key or a secret in a response or a log", async () => {
    await relay.call("GET", "/v1/sessions", { key: "attempted-key" });
    const created = await relay.createSession(session);
    const shown = await relay.expectCall(200, "GET", `/v1/sessions/${created.id}`);
    expect(created.secret).toMatch(/^whsec_/);
    expect(shown.text).not.toContain("whsec_");
    await relay.deleteSession(created.id);
    const logs = JSON.stringify(relay.logged);
    expect(logs).not.toContain("attempted-key");
    expect(logs).not.toContain(created.secret);
  });
});
