import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeConsole } from "../../console/build/writeConsole.ts";
import { ASSETS, answerAsset, builtAssets } from "../../console/server/assets.ts";
import { keyCookie } from "../../console/server/credential.ts";
import { answerProblem } from "../../shared/http/answerProblem.ts";
import { silentLog } from "../../shared/runtime/log.ts";

let directory: string;
let app: Hono;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-console-"));
  await writeConsole(directory);
  const assets = builtAssets(directory);
  app = new Hono();
  app.onError(answerProblem(silentLog));
  app.get("/:file", (context) => answerAsset(assets, context));
});

afterAll(() => rm(directory, { recursive: true }));

it("a built console has a file for everything that pages load", async () => {
  const files = await builtAssets(directory).files();
  expect(Object.keys(files).sort()).toEqual([...ASSETS].sort());
  for (const file of Object.values(files)) expect((await app.request(`/${file}`)).status).toBe(200);
});

it("a file is sent compressed to who takes that, and plain to others", async () => {
  const { console: file } = await builtAssets(directory).files();
  const compressed = await app.request(`/${file}`, { headers: { "accept-encoding": "br, gzip" } });
  const plain = await app.request(`/${file}`);
  expect([compressed.headers.get("content-encoding"), plain.headers.get("content-encoding")]).toEqual([
    "gzip",
    null,
  ]);
  const text = await plain.text();
  expect(plain.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  const unpacked = new Response(compressed.body?.pipeThrough(new DecompressionStream("gzip")));
  expect(await unpacked.text()).toBe(text);
});

it("the scripts are small, and bring nothing of package.json but the version", async () => {
  const { console: file } = await builtAssets(directory).files();
  const bytes = await (await app.request(`/${file}`)).text();
  expect(bytes.length).toBeLessThan(100_000);
  expect(bytes).not.toContain("devDependencies");
});

it.each(["manifest.json", "..%2fpackage.json", "none.js", "console.js.gz"])(
  "there is no file %s",
  async (file) => {
    expect((await app.request(`/${file}`)).status).toBe(404);
  },
);

it("over TLS the cookie is for TLS only", () => {
  expect(keyCookie("a", { host: "relay.example.com", isHttps: true })).toBe(
    "stasis-relay=YQ; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict; Secure",
  );
});
