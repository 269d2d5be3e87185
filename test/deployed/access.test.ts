import { beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { DeployedRelay, newFeed } from "./support/deployedRelay.ts";

let relay: DeployedRelay;
beforeAll(async () => {
  relay = await DeployedRelay.find();
});

describe("access to the deployed relay", () => {
  it.each([null, "wrong", ""])("is refused with the key %j, on the route of each function", async (key) => {
    const event = { body: [{ type: "Any" }], key };
    for (const [method, path, call] of [
      ["POST", `/v1/feeds/${newFeed()}/events`, event],
      ["GET", "/v1/sessions", { key }],
      ["GET", `/v1/feeds/${newFeed()}/messages`, { key }],
    ] as const) {
      const answered = await relay.call(method, path, call);
      expect(answered.status).toBe(401);
      expect(answered.headers.get("content-type")).toContain("application/problem+json");
    }
  });

  it("needs no key for health and the OpenAPI document", async () => {
    const { json } = await relay.expectCall(200, "GET", "/v1/health", { key: null });
    expect(json).toEqual({ status: "ok", version: packageJson.version });
    const description = await relay.expectCall(200, "GET", "/v1/openapi.json", { key: null });
    expect(Object.keys(description.json.paths)).toContain("/v1/feeds/{feed}/events");
  });

  it("never lets a webhook reach a cloud's metadata address", async () => {
    const body = { feed: newFeed(), url: "http://169.254.169.254/latest/meta-data/" };
    const { json } = await relay.expectCall(400, "POST", "/v1/sessions", { body });
    expect(json.errors[0].at).toBe("body.url");
  });

  it("answers an unknown address or a malformed request with a problem that says where", async () => {
    const missing = await relay.expectCall(404, "GET", "/v1/nothing");
    expect(missing.headers.get("content-type")).toContain("application/problem+json");
    const { json } = await relay.expectCall(400, "POST", "/v1/sessions", { body: { feed: "?" } });
    expect(json.errors.map(({ at }: { at: string }) => at)).toEqual(
      expect.arrayContaining(["body.feed", "body.url"]),
    );
  });
});
