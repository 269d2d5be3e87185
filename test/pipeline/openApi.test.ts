import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

let relay: TestRelay;
// biome-ignore lint/suspicious/noExplicitAny: the document is what the test asserts on
let document: any;

beforeAll(async () => {
  relay = await TestRelay.start();
  document = (await relay.expectCall(200, "GET", "/v1/openapi.json", { key: null })).json;
});

afterAll(() => relay[Symbol.asyncDispose]());

interface Security {
  readonly apiKey: readonly string[];
}

/** A check of a response against the schema in the document. */
function promised(method: string, path: string, status: number): z.ZodType {
  const { content } = document.paths[path][method].responses[status];
  const [{ schema }] = Object.values<{ schema: object }>(content) as [{ schema: object }];
  const whole = JSON.stringify({ ...schema, $defs: document.components.schemas });
  return z.fromJSONSchema(JSON.parse(whole.replaceAll("#/components/schemas/", "#/$defs/")));
}

describe("the OpenAPI document", () => {
  it("is version 3.1 and has every call of the interface and the webhook request", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    const calls = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(calls.sort()).toEqual([
      "DELETE /v1/keys/{id}",
      "DELETE /v1/sessions/{id}",
      "GET /",
      "GET /v1/feeds",
      "GET /v1/feeds/{feed}",
      "GET /v1/feeds/{feed}/messages",
      "GET /v1/feeds/{feed}/producers",
      "GET /v1/health",
      "GET /v1/keys",
      "GET /v1/sessions",
      "GET /v1/sessions/{id}",
      "GET /v1/sessions/{id}/attempts",
      "GET /v1/sessions/{id}/explain/{sequence}",
      "PATCH /v1/feeds/{feed}",
      "PATCH /v1/sessions/{id}",
      "POST /v1/feeds/{feed}/events",
      "POST /v1/keys",
      "POST /v1/sessions",
      "POST /v1/sessions/{id}/test",
    ]);
    expect(Object.keys(document.webhooks)).toEqual(["messages"]);
  });

  it("has no dangling references", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path = ""]) => path,
    );
    for (const path of references)
      expect(
        path.split("/").reduce((node, name) => node?.[name], document),
        path,
      ).toBeDefined();
  });

  it("says for each call whether it needs the key, as the relay enforces", async () => {
    for (const [path, methods] of Object.entries<Record<string, { security?: unknown }>>(document.paths))
      for (const [method, { security }] of Object.entries(methods)) {
        const url = path.replace("{feed}", "pbx").replace("{id}", "none").replace("{sequence}", "1");
        const answered = await relay.call(method.toUpperCase(), url, { key: "wrong" });
        expect([method, path, answered.status]).toEqual([method, path, security ? 401 : 200]);
      }
  });

  it("says for each call which roles may make it, as the relay enforces", async () => {
    for (const role of ["manager", "producer", "reader"] as const) {
      const { key } = await relay.createKey({ name: role, role, feeds: ["*"] });
      for (const [path, methods] of Object.entries<Record<string, { security?: Security[] }>>(document.paths))
        for (const [method, { security }] of Object.entries(methods)) {
          const url = path.replace("{feed}", "pbx").replace("{id}", "none").replace("{sequence}", "1");
          const answered = await relay.call(method.toUpperCase(), url, { key });
          const may = security?.some(({ apiKey }) => apiKey.includes(role)) ?? true;
          expect([method, path, role, answered.status === 403]).toEqual([method, path, role, !may]);
          if (may) continue;
          expect(promised(method, path, 403).safeParse(answered.json).error).toBeUndefined();
          const roles = security?.flatMap(({ apiKey }) => apiKey) ?? [];
          expect(roles.length).toBeGreaterThan(0);
          for (const each of roles) expect(answered.json.detail).toContain(each);
        }
    }
  });

  it("describes the relay's actual responses", async () => {
    await using receiver = await WebhookReceiver.start();
    const created = await relay.createSession({
      feed: "pbx",
      url: receiver.url("/a"),
      filter: { types: ["A"] },
    });
    const id = created.id;
    const key = await relay.createKey({ name: "bridge", role: "producer", feeds: ["pbx"] });
    expect(promised("post", "/v1/keys", 201).safeParse(key).error).toBeUndefined();
    await relay.as(key.key).append("pbx", someEvents(1), { producer: "bridge", position: 1 });
    await relay.as(key.key).append("pbx", someEvents(1), { producer: "bridge", position: 5 });
    const another = { feed: "pbx", url: receiver.url("/b") };
    const answers = [
      ["get", "/", await relay.call("GET", "/")],
      ["get", "/v1/health", await relay.call("GET", "/v1/health")],
      [
        "post",
        "/v1/feeds/{feed}/events",
        await relay.call("POST", "/v1/feeds/pbx/events", { body: [...someEvents(2, ["A"]), {}] }),
      ],
      ["get", "/v1/feeds", await relay.call("GET", "/v1/feeds")],
      ["get", "/v1/feeds/{feed}/producers", await relay.call("GET", "/v1/feeds/pbx/producers")],
      ["get", "/v1/keys", await relay.call("GET", "/v1/keys")],
      ["post", "/v1/keys", await relay.call("POST", "/v1/keys", { body: { name: "", role: "reader" } })],
      ["delete", "/v1/keys/{id}", await relay.call("DELETE", "/v1/keys/none")],
      ["get", "/v1/feeds/{feed}", await relay.call("GET", "/v1/feeds/pbx")],
      ["get", "/v1/feeds/{feed}/messages", await relay.call("GET", "/v1/feeds/pbx/messages")],
      ["get", "/v1/sessions", await relay.call("GET", "/v1/sessions")],
      ["get", "/v1/sessions/{id}", await relay.call("GET", `/v1/sessions/${id}`)],
      ["get", "/v1/sessions/{id}/attempts", await relay.call("GET", `/v1/sessions/${id}/attempts`)],
      [
        "get",
        "/v1/sessions/{id}/explain/{sequence}",
        await relay.call("GET", `/v1/sessions/${id}/explain/1`),
      ],
      ["post", "/v1/sessions/{id}/test", await relay.call("POST", `/v1/sessions/${id}/test`)],
      [
        "patch",
        "/v1/sessions/{id}",
        await relay.call("PATCH", `/v1/sessions/${id}`, { body: { rotateSecret: true } }),
      ],
      ["post", "/v1/sessions", await relay.call("POST", "/v1/sessions", { body: another })],
      ["post", "/v1/sessions", await relay.call("POST", "/v1/sessions", { body: { feed: "pbx" } })],
      ["get", "/v1/sessions/{id}", await relay.call("GET", "/v1/sessions/none")],
    ] as const;
    expect(promised("post", "/v1/sessions", 201).safeParse(created).error).toBeUndefined();
    for (const [method, path, { status, json }] of answers) {
      expect([path, promised(method, path, status).safeParse(json).error]).toEqual([path, undefined]);
      expect([path, promised(method, path, status).safeParse({ other: 1 }).success]).toEqual([path, false]);
    }
    expect(answers.map(([, , { status }]) => status)).toEqual([
      200, 200, 202, 200, 200, 200, 400, 404, 200, 200, 200, 200, 200, 200, 200, 200, 201, 400, 404,
    ]);
    expect((await relay.call("DELETE", `/v1/sessions/${id}`)).status).toBe(204);
  });
});
