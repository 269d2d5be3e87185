import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";

it("deploy:local without a local cloud says how to start one, without a stack trace", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const deployment = promisify(execFile)(process.execPath, ["local/cloud/deployMain.ts"], {
    cwd: new URL("../../", import.meta.url),
    env: { ...process.env, AWS_ENDPOINT_URL: endpoint },
  });
  await expect(deployment).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(
      new RegExp(
        `^deploy:local: no local cloud answers at ${endpoint}\\. Start one with "npm run ministack"[^\\n]+\\n$`,
      ),
    ),
  });
});
