import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bundle, bundlesOf } from "../../infra/bundles.ts";
import { prod } from "../../infra/stages.ts";

const NAMES = ["ingest", "notify", "deliver", "sweep", "api"] as const;
const LIMIT_BYTES = 1_000_000;

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
    expect(statSync(bundleOf(name).file).size).toBeLessThan(LIMIT_BYTES);
  });

  it("loads by itself, and is told all that it needs", async () => {
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

it("only the functions that use them carry Secrets Manager and KMS", () => {
  // The names of the two services in requests (`X-Amz-Target`).
  const carrying = (service: string) =>
    NAMES.filter((name) => readFileSync(bundleOf(name).file, "utf8").includes(service));
  expect(carrying("secretsmanager")).toEqual(["ingest", "api"]);
  expect(carrying("TrentService")).toEqual(["deliver", "api"]);
});
