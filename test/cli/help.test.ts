import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const run = (main: string, ...options: string[]) =>
  promisify(execFile)(process.execPath, [main, ...options], { cwd: root, timeout: 20_000 });

/** Its unknown options are vitest's. */
it("local/cloud/testMain.ts explains itself and does nothing else when it is asked for help", async () => {
  const { stdout, stderr } = await run("local/cloud/testMain.ts", "--help");
  expect(stdout).toMatch(/^Usage: .*--help/s);
  expect(stderr).toBe("");
});

describe.each([
  "bridge/main.ts",
  "cli/main.ts",
  "infra/bundleSizes.ts",
  "local/main.ts",
  "local/cloud/deployMain.ts",
  "local/cloud/ministackMain.ts",
  "test/mutants/main.ts",
  "test/spec/main.ts",
  "test/torture/main.ts",
  "tools/bench/main.ts",
  "tools/bench/requests.ts",
  "tools/conformance/main.ts",
  "tools/cost/main.ts",
])("%s", (main) => {
  it("explains itself and does nothing else when it is asked for help", async () => {
    const { stdout, stderr } = await run(main, "--help");
    expect(stdout).toMatch(/^Usage: .*--help/s);
    expect(stderr).toBe("");
  });

  it("refuses an option that it does not know", async () => {
    await expect(run(main, "--no-such-option")).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("unknown option '--no-such-option'"),
    });
  });
});

it("cli/main.ts loads no command, and nothing that calls a relay, to show its help", async () => {
  const traced = `import { registerHooks } from "node:module";
registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context); } });`;
  const hook = `data:text/javascript,${encodeURIComponent(traced)}`;
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ["--import", hook, "cli/main.ts", "--help"],
    {
      cwd: root,
    },
  );
  expect(stderr).toContain("cli/commandList.ts");
  expect(stderr).not.toMatch(/cli\/commands\/|client\/|local\/|bridge\/|zod/);
});
