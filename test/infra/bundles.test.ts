import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createHandler } from "../../functions/api/handler.ts";
import { type Bundle, bundlesOf } from "../../infra/bundles.ts";
import { prod } from "../../infra/stages.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { appendRequest } from "../support/ingestOnItsOwn.ts";

const NAMES = ["ingest", "notify", "deliver", "sweep", "api"] as const;
const LIMIT_BYTES = { ingest: 600_000, notify: 500_000, deliver: 950_000, sweep: 500_000, api: 1_200_000 };

let directory: string;
let bundles: ReadonlyMap<string, Bundle>;

/** Bundling starts a process for each function. */
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "stasis-relay-bundles-"));
  bundles = new Map(bundlesOf(prod, directory).map((bundle) => [bundle.functionName, bundle]));
}, 180_000);

afterAll(() => rmSync(directory, { recursive: true }));

function bundleOf(name: string): Bundle {
  const bundle = bundles.get(`stasis-relay-${name}-prod`);
  if (bundle === undefined) throw new Error(`${name} has no bundle`);
  return bundle;
}

describe.each(NAMES)("the bundle of %s", (name) => {
  it("is small", () => {
    expect(statSync(bundleOf(name).file).size).toBeLessThan(LIMIT_BYTES[name]);
  });

  it("loads by itself, and its environment has every variable that it needs", async () => {
    const { file, environment } = bundleOf(name);
    const { createHandler, handler } = await import(file);
    const resolved = Object.entries(environment).map(([variable, value]) => [
      variable,
      typeof value === "string" ? value : `resolved-${variable}`,
    ]);
    expect(createHandler(Object.fromEntries([...resolved, ["AWS_REGION", "us-east-1"]]))).toBeTypeOf(
      "function",
    );
    expect(handler).toBeTypeOf("function");
    expect(() => createHandler({ AWS_REGION: "us-east-1" })).toThrow("is not set");
  });
});

it("the api's bundle gives the same responses as its sources", async () => {
  const environment = {
    AWS_REGION: "us-east-1",
    RELAY_API_KEY: "local",
    RELAY_QUEUE_TABLE: "queue",
    RELAY_CURSORS_TABLE: "cursors",
    RELAY_SESSIONS_TABLE: "sessions",
    RELAY_KEYS_TABLE: "keys",
    RELAY_ATTEMPTS_TABLE: "attempts",
    RELAY_WAKE_QUEUE_URL: "http://127.0.0.1/wake",
    RELAY_SLOW_QUEUE_URL: "http://127.0.0.1/slow",
  };
  const bundle: typeof import("../../functions/api/handler.ts") = await import(bundleOf("api").file);
  const answersOf = async (create: typeof createHandler) => {
    const handle = create(environment, { log: silentLog });
    const documented = await handle(httpEvent("GET", "/v1/openapi.json"));
    const refused = await handle(httpEvent("POST", "/v1/sessions", { feed: 7, url: true, from: "never" }));
    return [documented, refused];
  };
  const [documented, refused] = await answersOf(bundle.createHandler);
  expect([documented, refused]).toEqual(await answersOf(createHandler));
  expect(documented?.statusCode).toBe(200);
  expect(refused?.body).toContain("expected string, received number");
});

it("the api has the console's scripts and styles beside it", () => {
  expect(readdirSync(join(dirname(bundleOf("api").file), "console"))).toEqual(
    expect.arrayContaining(["manifest.json", expect.stringMatching(/^console-\w+\.js\.gz$/)]),
  );
});

function httpEvent(method: string, path: string, body?: object): APIGatewayProxyEventV2 {
  const { body: _none, ...event } = appendRequest("pbx", []);
  return {
    ...event,
    rawPath: path,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    requestContext: { ...event.requestContext, http: { ...event.requestContext.http, method, path } },
  };
}

it("deliver carries undici's HTTP parser once", () => {
  // How a WebAssembly module begins, in base64.
  expect(readFileSync(bundleOf("deliver").file, "utf8").match(/AGFzbQ/g)).toHaveLength(1);
});

it("only the functions that use them carry Secrets Manager and KMS", () => {
  // The names of the two services in requests (`X-Amz-Target`).
  const carrying = (service: string) =>
    NAMES.filter((name) => readFileSync(bundleOf(name).file, "utf8").includes(service));
  expect(carrying("secretsmanager")).toEqual(["ingest", "api"]);
  expect(carrying("TrentService")).toEqual(["deliver", "api"]);
});
