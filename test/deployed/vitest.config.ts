import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests of a relay that is deployed; see docs/local-clouds.md. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    // One file after the other: the relay that they share is what should be busy.
    fileParallelism: false,
    // A hint that went lost is repaired by the next sweep, and what a sweep frees takes two.
    testTimeout: 300_000,
    projects: [
      { extends: true, test: { name: "deployed", include: ["test/deployed/*.test.ts"] } },
      { extends: true, test: { name: "redeploy", include: ["test/deployed/redeploy/*.test.ts"] } },
    ],
  },
});
