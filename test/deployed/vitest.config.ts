import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests of a deployed relay; see docs/local-clouds.md. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    maxWorkers: 2,
    // A lost hint is repaired by the next sweep, and freeing takes two sweeps.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    projects: [
      {
        extends: true,
        test: { name: "deployed", include: ["test/deployed/*.test.ts"], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        // Runs alone, after the others, because it ends functions in the middle of their work.
        test: {
          name: "redeploy",
          include: ["test/deployed/redeploy/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
