import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Command } from "commander";
import { onReaderGone } from "../cli/terminal/reader.ts";
import { tableLines } from "../cli/terminal/table.ts";
import { bundlesOf } from "./bundles.ts";
import { prod } from "./stages.ts";

/** `npm run bundle-sizes` prints how much each function loads at a cold start. */
onReaderGone();
new Command("bundle-sizes")
  .description("Bundles the functions as a deployment does, and prints how much each loads at a cold start")
  .parse();
const directory = mkdtempSync(join(tmpdir(), "stasis-relay-bundles-"));
try {
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
  const rows = bundlesOf(prod, directory).map(({ functionName, file }) => [
    functionName,
    kilobytes(statSync(file).size),
    kilobytes(gzipSync(readFileSync(file)).length),
  ]);
  console.log(tableLines([["function", "size", "compressed"], ...rows]).join("\n"));
} finally {
  rmSync(directory, { recursive: true });
}
