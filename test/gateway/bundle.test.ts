import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

it("the image's program is one file, built as the Dockerfile says, which needs no package and says what it lacks", async () => {
  const directory = await mkdtemp(join(tmpdir(), "gateway-"));
  try {
    const dockerfile = await readFile(join(root, "gateway/Dockerfile"), "utf8");
    const [, command = ""] = /^RUN (npx esbuild .+)$/m.exec(dockerfile) ?? [];
    const file = join(directory, "gateway.mjs");
    await run("sh", ["-c", command.replace("--outfile=gateway.mjs", `--outfile=${file}`)], { cwd: root });
    const ended = await run(process.execPath, [file], {
      cwd: directory,
      env: { PATH: process.env.PATH, AWS_REGION: "us-east-1" },
    }).catch((error: { code: number; stdout: string; stderr: string }) => error);
    const line = JSON.parse((ended.stdout || ended.stderr).trim().split("\n").at(-1) ?? "");
    expect(line).toMatchObject({
      level: "ERROR",
      message: "the AMI gateway cannot run",
      error: { message: "RELAY_GATEWAY_CERTIFICATE_SECRET: is not set" },
    });
    expect("code" in ended && ended.code).toBe(1);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 60_000);
