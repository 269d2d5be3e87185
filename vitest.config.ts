import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // They need a relay that is deployed: npm run test:local-cloud.
    exclude: ["test/deployed/**", "test/clients/**"],
    // Tests start engines and servers of their own; two cores run two files well.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
