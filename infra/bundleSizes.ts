import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bundlesOf } from "./bundles.ts";
import { prod } from "./stages.ts";

/** `npm run bundle-sizes`: what each function has to load at a cold start. */
const directory = mkdtempSync(join(tmpdir(), "stasis-relay-bundles-"));
try {
  for (const { functionName, file } of bundlesOf(prod, directory)) {
    const kilobytes = Math.round(statSync(file).size / 1000);
    const compressed = Math.round(gzipSync(readFileSync(file)).length / 1000);
    console.log(
      `${functionName.padEnd(28)} ${String(kilobytes).padStart(5)} kB  (${compressed} kB compressed)`,
    );
  }
} finally {
  rmSync(directory, { recursive: true });
}
