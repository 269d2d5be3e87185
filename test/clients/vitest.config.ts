import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** `npm run test:clients`: AMI libraries of others against the gateway; see docs/testing.md. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["test/clients/**/*.test.ts"],
    globalSetup: [join(import.meta.dirname, "install.ts")],
    maxConcurrency: 4,
    // Some libraries wait for ten seconds before they connect again.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
