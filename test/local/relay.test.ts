import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RelayClient } from "../../client/index.ts";
import { type Relay, startRelay } from "../../local/relay.ts";
import { engineOf } from "./support/engine.ts";

// Processes and visibility timeouts are slow on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const MAIN = join(import.meta.dirname, "..", "..", "local", "main.ts");

let directory: string;
let relay: Relay | undefined;
let blocker: Server | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stasis-relay-"));
});

afterEach(async () => {
  await relay?.stop();
  relay = undefined;
  blocker?.close();
  blocker = undefined;
  await rm(directory, { recursive: true, force: true });
});

/** Occupies a free port. */
async function takenPort(): Promise<number> {
  const server = createServer();
  blocker = server;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Runs the command of `npm start` with these arguments. */
function runMain(args: string[], environment: Record<string, string>) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    const env = { PATH: process.env.PATH ?? "", PORT: "0", ...environment };
    const child = execFile(process.execPath, [MAIN, ...args], { env }, (_, stdout, stderr) =>
      done({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Whether the last engine in this data directory still runs. */
async function engineRuns(dataDirectory: string): Promise<boolean> {
  const processId = await engineOf(dataDirectory);
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

describe("a relay on one machine", () => {
  it("responds, keeps its data across a restart, and leaves nothing running", async () => {
    const options = { environment: { RELAY_DATA_DIR: directory }, port: 0 };
    const event = { type: "ChannelUserevent", timestamp: "2026-11-24T02:00:00.000+0000" };
    const post = (running: Relay) => new RelayClient(running).append("kept", [event]);

    relay = await startRelay(options);
    expect(relay.apiKey).toBe("local");
    expect(await new RelayClient(relay).isHealthy()).toBe(true);
    expect(await post(relay)).toMatchObject({ first: 1, last: 1, accepted: 1 });
    await relay.stop();
    expect(await engineRuns(directory)).toBe(false);

    relay = await startRelay(options);
    expect(await post(relay)).toMatchObject({ first: 2, last: 2, accepted: 1 });
  });

  it("leaves nothing running when it cannot start", async () => {
    const options = { environment: {}, port: await takenPort(), dataDirectory: directory };
    await expect(startRelay(options)).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(await engineRuns(directory)).toBe(false);
  });

  it("names a wrong setting before it starts anything", async () => {
    await expect(startRelay({ environment: { RELAY_SEGMENT_SIZE: "many" } })).rejects.toThrow(
      /RELAY_SEGMENT_SIZE/,
    );
  });

  it("uses the given endpoints instead of its own engines", async () => {
    relay = await startRelay({ environment: {}, port: 0 });
    const second = await startRelay({ environment: relay.connection, port: 0 });
    try {
      expect(second.endpoints).toEqual(relay.endpoints);
      expect(second.queues).toEqual(relay.queues);
      expect(await new RelayClient(second).isHealthy()).toBe(true);
    } finally {
      await second.stop();
    }
  });
});

describe("npm start", () => {
  it("--once --json replays the recording, checks all of it, and says so on the last line", async () => {
    const { code, stdout } = await runMain(["--once", "--json"], { RELAY_DATA_DIR: directory });
    const lines = stdout.trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      ok: true,
      events: 453,
      accepted: 453,
      problems: [],
      sessions: [
        { name: "wallboard", delivered: 453 },
        { name: "recorder", delivered: 453 },
        { name: "slow", delivered: 453 },
      ],
    });
    expect(code).toBe(0);
    expect(await engineRuns(directory)).toBe(false);
  }, 90_000);

  it("says that its port is in use", async () => {
    const port = await takenPort();
    const { code, stderr } = await runMain(["--no-replay"], { PORT: String(port) });
    expect(stderr).toContain(`port ${port} is in use`);
    expect(code).toBe(1);
  });

  it("says that its host is no address of this machine", async () => {
    const environment = { HOST: "192.0.2.1", PORT: "0", RELAY_API_KEY: "k" };
    const { code, stderr } = await runMain(["--no-replay"], environment);
    expect(stderr).toContain('HOST: must be an address of this machine; "192.0.2.1" is not');
    expect(code).toBe(1);
  });

  it("has --help", async () => {
    expect((await runMain(["--help"], {})).stdout).toContain("--no-replay");
    expect(await runMain(["--json"], {})).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--once"),
    });
    expect(await runMain(["--nonsense"], {})).toMatchObject({ code: 1 });
  });
});
