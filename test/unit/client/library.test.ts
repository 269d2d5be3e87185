import { build } from "esbuild";
import { expect, it } from "vitest";

const root = new URL("../../../", import.meta.url).pathname;

it("the client can be bundled for a browser: it uses no Node API", async () => {
  const { metafile } = await build({
    entryPoints: [`${root}client/index.ts`],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const files = Object.keys(metafile.inputs).filter((file) => !file.includes("node_modules"));
  expect(files.map((file) => file.replace(/^.*client\//, "")).sort()).toEqual([
    "chain.ts",
    "index.ts",
    "package.json",
    "producer.ts",
    "receiver.ts",
    "relayCallError.ts",
    "relayClient.ts",
    "webhookText.ts",
  ]);
});
