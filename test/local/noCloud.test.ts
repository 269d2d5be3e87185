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

it.each(["foo", "0", "70000"])("ministack names the setting when its port is %s", async (MINISTACK_PORT) => {
  const cloud = promisify(execFile)(process.execPath, ["local/cloud/ministackMain.ts"], {
    cwd: new URL("../../", import.meta.url),
    env: { ...process.env, MINISTACK_PORT },
  });
  await expect(cloud).rejects.toMatchObject({
    code: 1,
    stderr: `ministack: MINISTACK_PORT: must be a whole number of a port, from 1 to 65535; "${MINISTACK_PORT}" is not\n`,
  });
});
