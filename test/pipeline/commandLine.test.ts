import { execFile } from "node:child_process";
import { describe, expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { RelayProcess } from "../support/relayProcess.ts";

const MAIN = new URL("../../local/main.ts", import.meta.url).pathname;

describe("npm start", () => {
  it("--once --json replays the recording, checks every delivery, prints a summary and exits with 0", async () => {
    const port = await freePort();
    const { code, stdout } = await new Promise<{ code: number; stdout: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [MAIN, "--once", "--json"],
        { env: { ...process.env, PORT: String(port) } },
        (_error, output) => resolve({ code: child.exitCode ?? -1, stdout: output }),
      );
    });
    expect(code).toBe(0);
    const summary = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    expect(summary).toMatchObject({ ok: true, events: 453, accepted: 453 });
    for (const session of summary.sessions)
      expect(session).toMatchObject({ delivered: 453, lost: 0, doubled: 0, outOfOrder: 0, altered: 0 });
    expect(summary.sessions).toHaveLength(3);
  }, 90_000);

  it("stops cleanly on SIGINT", async () => {
    await using relay = await RelayProcess.start(await freePort(), {});
    expect(await relay.end("SIGINT")).toBe(0);
  });

  it("reports a port in use in one line", async () => {
    const port = await freePort();
    await using _first = await RelayProcess.start(port, {});
    const { code, stderr } = await new Promise<{ code: number; stderr: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        [MAIN, "--no-replay"],
        { env: { ...process.env, PORT: String(port) } },
        (_error, _output, errors) => resolve({ code: child.exitCode ?? -1, stderr: errors }),
      );
    });
    expect(code).toBe(1);
    expect(stderr).toContain(String(port));
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
