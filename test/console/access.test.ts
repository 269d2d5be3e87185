import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestRelay } from "../support/testRelay.ts";

let relay: TestRelay;
let host: string;

beforeAll(async () => {
  relay = await TestRelay.start();
  host = new URL(relay.url).host;
});

afterAll(() => relay[Symbol.asyncDispose]());

const OWN_PAGE = { "relay-console": "1" };

/** What a browser keeps of an answer's Set-Cookie header. */
function kept(answer: Response): string {
  return answer.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

/** What a problem says to programs. */
async function codeOf(answer: Response): Promise<unknown> {
  const problem: unknown = await answer.json();
  return typeof problem === "object" && problem !== null && "code" in problem ? problem.code : undefined;
}

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${relay.url}${path}`, { headers, redirect: "manual" });
}

function signIn(key: string, headers: Record<string, string> = OWN_PAGE): Promise<Response> {
  return fetch(`${relay.url}/console/sign-in`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
}

async function cookieOf(key: string): Promise<string> {
  const answer = await signIn(key);
  expect(answer.status).toBe(204);
  return kept(answer);
}

async function keyFor(role: "manager" | "producer" | "reader", feeds = ["pbx-*"]): Promise<string> {
  const { key } = await relay.createKey({ name: `a ${role}`, role, feeds });
  return key;
}

describe("signing in", () => {
  it("puts the key into a cookie that scripts cannot read and other sites cannot use", async () => {
    const [cookie = ""] = (await signIn(relay.apiKey)).headers.getSetCookie();
    expect(cookie).toBe(
      `stasis-relay-${new URL(relay.url).port}=${Buffer.from(relay.apiKey).toString("base64url")}; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict`,
    );
  });

  it("refuses an unknown key, and one that may not read", async () => {
    const unknown = await signIn("wrong");
    expect([unknown.status, await codeOf(unknown), unknown.headers.getSetCookie()]).toEqual([
      401,
      "key.wrong",
      [],
    ]);
    const producer = await signIn(await keyFor("producer"));
    expect([producer.status, await codeOf(producer)]).toEqual([403, "key.role"]);
  });

  it("takes a key with characters that a cookie cannot have", async () => {
    await using other = await TestRelay.start({ RELAY_API_KEY: 'a;b="c,d' });
    const headers = { ...OWN_PAGE, authorization: `Bearer ${other.apiKey}` };
    const answer = await fetch(`${other.url}/console/sign-in`, { method: "POST", headers });
    const page = await fetch(`${other.url}/console/api/v1/feeds`, {
      headers: { ...OWN_PAGE, cookie: kept(answer) },
    });
    expect([answer.status, page.status]).toEqual([204, 200]);
  });

  it("ends with signing out", async () => {
    const answer = await fetch(`${relay.url}/console/sign-out`, { method: "POST", headers: OWN_PAGE });
    expect([answer.status, answer.headers.getSetCookie()[0]]).toEqual([
      204,
      `stasis-relay-${new URL(relay.url).port}=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict`,
    ]);
  });

  it("sends who is not signed in to the sign-in page, which leads back", async () => {
    const answer = await get("/console/feeds/pbx-1");
    expect([answer.status, answer.headers.get("location")]).toEqual([
      303,
      "/console/sign-in?to=%2Fconsole%2Ffeeds%2Fpbx-1",
    ]);
    const withOldCookie = await get("/console", {
      cookie: await cookieOf(relay.apiKey).then((c) => `${c}x`),
    });
    expect(withOldCookie.status).toBe(303);
  });

  it("lets a browser that follows a link from another site ask again, because it sent no cookie", async () => {
    const answer = await get("/console/keys", { "sec-fetch-site": "cross-site" });
    expect([answer.status, await answer.text()]).toEqual([
      200,
      expect.stringContaining('<meta http-equiv="refresh" content="0">'),
    ]);
  });
});

describe("the cookie", () => {
  it("opens the interface beneath /console/api, and nowhere else", async () => {
    const cookie = await cookieOf(relay.apiKey);
    const answer = await get("/console/api/v1/feeds?limit=5", { ...OWN_PAGE, cookie });
    expect([answer.status, await answer.json()]).toEqual([200, { feeds: [] }]);
    expect((await get("/v1/feeds", { ...OWN_PAGE, cookie })).status).toBe(401);
  });

  it("carries a body to the interface, and its answer back", async () => {
    const headers = { ...OWN_PAGE, cookie: await cookieOf(relay.apiKey), "content-type": "application/json" };
    const created = await fetch(`${relay.url}/console/api/v1/keys`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "é", role: "reader", feeds: ["pbx-1"] }),
    });
    expect([created.status, await created.json()]).toEqual([201, expect.objectContaining({ name: "é" })]);
    const refused = await fetch(`${relay.url}/console/api/v1/keys`, { method: "POST", headers, body: "{}" });
    expect([refused.status, await codeOf(refused)]).toEqual([400, "request.invalid"]);
  });

  it("counts for nothing in requests of other pages", async () => {
    const cookie = await cookieOf(relay.apiKey);
    const foreign: Record<string, string>[] = [
      {},
      { ...OWN_PAGE, "sec-fetch-site": "cross-site" },
      { ...OWN_PAGE, "sec-fetch-site": "same-site" },
      { ...OWN_PAGE, "sec-fetch-site": "none" },
      { ...OWN_PAGE, origin: "http://localhost:3000" },
      { ...OWN_PAGE, origin: "null" },
    ];
    for (const headers of foreign) {
      const answer = await get("/console/api/v1/feeds", { ...headers, cookie });
      expect([headers, answer.status]).toEqual([headers, 403]);
    }
    const own = { ...OWN_PAGE, "sec-fetch-site": "same-origin", origin: `http://${host}`, cookie };
    expect((await get("/console/api/v1/feeds", own)).status).toBe(200);
  });

  it("cannot be set or removed by other pages", async () => {
    expect((await signIn(relay.apiKey, {})).status).toBe(403);
    const answer = await fetch(`${relay.url}/console/sign-out`, {
      method: "POST",
      headers: { origin: "http://localhost:3000" },
    });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([403, []]);
  });

  it("gets no permission for pages of other origins to send the console's header", async () => {
    const answer = await fetch(`${relay.url}/console/api/v1/feeds`, {
      method: "OPTIONS",
      headers: { origin: "http://localhost:3000", "access-control-request-headers": "relay-console" },
    });
    expect(answer.status).toBe(403);
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("reaches nothing but the interface", async () => {
    const cookie = await cookieOf(relay.apiKey);
    for (const path of [
      "/console/api/",
      "/console/api/docs",
      "/console/api/v1/../console",
      "/console/api/v1/%2e%2e/docs",
    ])
      expect([path, (await get(path, { ...OWN_PAGE, cookie })).status]).toEqual([path, 404]);
  });
});

describe("the roles", () => {
  it("of a reader shows feeds and sessions, and offers no change", async () => {
    const cookie = await cookieOf(await keyFor("reader"));
    const page = await (await get("/console", { cookie })).text();
    expect(page).toContain('data-manages="false"');
    expect([...page.matchAll(/<a href="([^"]+)"/g)].map(([, path]) => path)).toEqual([
      "/console",
      "/console/sessions",
      "/docs",
    ]);
    for (const path of ["/console/subscribe", "/console/keys"])
      expect([path, (await get(path, { cookie })).status]).toEqual([path, 403]);
    const change = await fetch(`${relay.url}/console/api/v1/sessions`, {
      method: "POST",
      headers: { ...OWN_PAGE, cookie, "content-type": "application/json" },
      body: JSON.stringify({ feed: "pbx-1", url: "http://127.0.0.1:9/" }),
    });
    expect([change.status, await codeOf(change)]).toEqual([403, "key.role"]);
  });

  it("of a manager of some feeds has no keys", async () => {
    const cookie = await cookieOf(await keyFor("manager"));
    const page = await (await get("/console/subscribe", { cookie })).text();
    expect(page).toContain('data-manages="true"');
    expect(page).not.toContain('href="/console/keys"');
    expect((await get("/console/keys", { cookie })).status).toBe(403);
  });

  it("end with the key", async () => {
    const { key, id } = await relay.createKey({ name: "<b>short</b>", role: "reader", feeds: ["*"] });
    const cookie = await cookieOf(key);
    expect(await (await get("/console", { cookie })).text()).toContain("&lt;b&gt;short&lt;/b&gt;");
    await relay.deleteKey(id);
    const answer = await get("/console/api/v1/keys", { ...OWN_PAGE, cookie: `${cookie.slice(0, -4)}AAAA` });
    expect(answer.status).toBe(401);
  });
});

describe("the pages", () => {
  const policyOf = ({ headers }: Response) => headers.get("content-security-policy");

  it("allow only what we serve, and nothing inline", async () => {
    const cookie = await cookieOf(relay.apiKey);
    const strict =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
    for (const path of ["/console", "/console/sign-in", "/console/keys", "/console/nothing"]) {
      const answer = await get(path, { cookie });
      expect([path, policyOf(answer)]).toEqual([path, strict]);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.text()).not.toMatch(/ style=| on\w+=|<script(?![^>]* src=)/);
    }
  });

  it("of the reference need images in addresses besides", async () => {
    const answer = await get("/docs");
    expect([answer.status, policyOf(answer)]).toEqual([
      200,
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ]);
  });

  it("name files that a browser may keep for ever", async () => {
    const page = await (await get("/docs")).text();
    const files = [...page.matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(files).toHaveLength(5);
    for (const file of files) {
      const answer = await get(file);
      expect([file, answer.status, answer.headers.get("cache-control")]).toEqual([
        file,
        200,
        "public, max-age=31536000, immutable",
      ]);
      expect((await answer.text()).length).toBeGreaterThan(100);
    }
    expect((await get("/console/assets/nothing.js")).status).toBe(404);
    expect((await get("/console/assets/..%2f..%2fpackage.json")).status).not.toBe(200);
  });

  it("do not follow an id into the markup", async () => {
    const cookie = await cookieOf(relay.apiKey);
    const page = await (await get("/console/sessions/%22%3E%3Cscript%3E", { cookie })).text();
    expect(page).toContain("&quot;&gt;&lt;script&gt;");
    expect(page).not.toContain('"><script>');
  });
});
