import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freePort } from "../../../local/freePort.ts";
import { BridgeProcess } from "../../support/bridgeProcess.ts";
import { eventually } from "../../support/eventually.ts";
import { TestDirectory } from "../testBridge.ts";

/** A bridge without a PBX or a relay, which is ready all the same. */
async function configFile(directory: TestDirectory): Promise<string> {
  const path = join(directory.path, "bridge.yaml");
  writeFileSync(
    path,
    `relay: { url: "http://127.0.0.1:${await freePort()}", key: { env: RELAY_KEY } }
spool: { directory: ${join(directory.path, "spool")} }
outside: { listen: "127.0.0.1:${await freePort()}" }
pbxs:
  - { feed: office, ari: { url: "http://127.0.0.1:${await freePort()}", user: ari, password: { env: ARI_PASSWORD } } }
`,
  );
  return path;
}

const RUN = [
  ["READY=1", "STATUS=running"],
  ["RELOADING=1", expect.stringMatching(/^MONOTONIC_USEC=\d+$/), "STATUS=reading the configuration again"],
  ["READY=1", "STATUS=running"],
  ["STOPPING=1", "STATUS=shipping what is spooled"],
];

/** Starts the bridge, reloads and stops it, and returns what systemd was told, without signs of life. */
async function toldIn(
  directory: TestDirectory,
  environment: Record<string, string>,
  told: () => string[][],
): Promise<string[][]> {
  await using bridge = new BridgeProcess(await configFile(directory), environment);
  const changes = () => told().filter(([first]) => first !== "WATCHDOG=1");
  await eventually("READY", () => changes().length === 1);
  await eventually("a sign of life", () => told().some(([first]) => first === "WATCHDOG=1"));
  bridge.child.kill("SIGHUP");
  await eventually("READY again", () => changes().length === 3);
  expect(await bridge.end("SIGTERM")).toEqual([0, null]);
  await eventually("STOPPING", () => changes().length === 4);
  expect(bridge.output).not.toContain("systemd-notify failed");
  return changes();
}

describe("the bridge under systemd", { timeout: 60_000 }, () => {
  it("tells of its start, its reload and its stop, in this order, and that it lives", async () => {
    using directory = new TestDirectory();
    const log = join(directory.path, "told");
    const command = join(directory.path, "systemd-notify");
    // One message a line, its assignments apart by tabs.
    writeFileSync(command, `#!/bin/sh\nIFS='\t'\nprintf '%s\\n' "$*" >> '${log}'\n`);
    chmodSync(command, 0o755);
    const environment = {
      PATH: `${directory.path}:${process.env.PATH}`,
      NOTIFY_SOCKET: "/nobody/reads/this",
      WATCHDOG_USEC: "3000000",
    };
    const told = () =>
      existsSync(log)
        ? readFileSync(log, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => line.split("\t"))
        : [];
    expect(await toldIn(directory, environment, told)).toEqual(RUN);
  });

  const isMissing = [
    ["systemd-notify", "--version"],
    ["python3", "--version"],
  ].some(([command = "", ...args]) => spawnSync(command, args).error !== undefined);
  // Node has no datagram sockets, so Python holds the socket.
  it.skipIf(isMissing)("tells it to the socket in NOTIFY_SOCKET", async () => {
    using directory = new TestDirectory();
    const path = join(directory.path, "notify");
    await using socket = await DatagramSocket.bind(path);
    const environment = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "3000000" };
    const told = () => socket.messages.map((message) => message.split("\n"));
    expect(await toldIn(directory, environment, told)).toEqual(RUN);
  });
});

/** A Unix datagram socket, as systemd has one. */
class DatagramSocket implements AsyncDisposable {
  readonly #child: ChildProcess;
  #output = "";

  private constructor(path: string) {
    const program = `
import json, socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True: print(json.dumps(receiver.recv(65536).decode()), flush=True)
`;
    this.#child = spawn("python3", ["-c", program, path], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
  }

  static async bind(path: string): Promise<DatagramSocket> {
    const socket = new DatagramSocket(path);
    await eventually("the socket", () => socket.#lines.length > 0);
    return socket;
  }

  get #lines(): string[] {
    return this.#output
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }

  /** systemd-notify ends with BARRIER=1, which asks systemd to say that it has read all. */
  get messages(): string[] {
    return this.#lines.slice(1).filter((message) => message !== "BARRIER=1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await eventually(
      "the end of the socket",
      () => this.#child.exitCode !== null || this.#child.signalCode !== null,
    );
  }
}
