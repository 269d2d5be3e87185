import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { TestRelay } from "../support/testRelay.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

let relay: TestRelay;

beforeAll(async () => {
  relay = await TestRelay.start();
});

afterAll(() => relay[Symbol.asyncDispose]());

const root = (headers: Record<string, string>) => fetch(`${relay.url}/`, { headers });

describe("the root of the interface", () => {
  it("is a page for a browser, which says what this is and links what is public", async () => {
    const response = await root({ accept: BROWSER });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=UTF-8",
    ]);
    const page = await response.text();
    expect(page).toContain("<h1>stasis-relay</h1>");
    const links = [...page.matchAll(/href="([^"]+)"/g)].map(([, link = ""]) => link);
    expect(links).toEqual(["/console", "/docs", "/v1/openapi.json", "/v1/health"]);
    for (const link of links) expect((await fetch(`${relay.url}${link}`)).status).toBe(200);
  });

  it.each([["*/*"], ["application/json"], ["text/plain"], [""]])(
    "is JSON for a program that accepts '%s'",
    async (accept) => {
      const response = await root({ accept });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        name: "stasis-relay",
        version: packageJson.version,
        console: "/console",
        docs: "/docs",
        openapi: "/v1/openapi.json",
        health: "/v1/health",
      });
    },
  );

  it("has the version that health and the description of the interface say", async () => {
    const read = async (path: string) => (await fetch(`${relay.url}${path}`)).json();
    expect(await read("/v1/health")).toEqual({ status: "ok", version: packageJson.version });
    expect(await read("/v1/openapi.json")).toMatchObject({ info: { version: packageJson.version } });
  });

  it("lets a browser run nothing and frame nothing", async () => {
    const { headers } = await root({ accept: BROWSER });
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("vary")).toBe("accept");
  });

  it("needs no key and shows none", async () => {
    for (const accept of [BROWSER, "application/json"])
      expect(await (await root({ accept, authorization: "Bearer wrong" })).text()).not.toContain(
        relay.apiKey,
      );
  });
});
