import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
import { listenLocally } from "../support/asterisk/listenLocally.ts";
import { eventually } from "../support/eventually.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

const EXAMPLE = new URL("../../examples/receiver.ts", import.meta.url).pathname;

/** The example in its own process, and its output. */
class Example implements AsyncDisposable {
  readonly #child: ChildProcess;
  #lines = "";
  #errors = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#lines += chunk;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk;
    });
  }

  static async start(environment: Record<string, string>): Promise<Example> {
    const child = spawn(process.execPath, [EXAMPLE], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const example = new Example(child);
    await eventually("the example listens", () => example.#errors.includes("listening"));
    return example;
  }

  get lines(): string[] {
    return this.#lines.trimEnd().split("\n");
  }

  get errors(): string {
    return this.#errors;
  }

  untilLines(count: number): Promise<string[]> {
    return eventually(`${count} lines: ${this.#errors}`, () => this.lines.length >= count && this.lines);
  }

  async end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exit = once(this.#child, "exit");
    this.#child.kill(signal);
    const [code] = await exit;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

it.each([
  ["a port that is no number", { PORT: "abc" }, 'PORT must be a number from 0 to 65535, not "abc"'],
  ["a port with a unit", { PORT: "9000/tcp" }, 'PORT must be a number from 0 to 65535, not "9000/tcp"'],
  ["a port beyond the last", { PORT: "65536" }, 'PORT must be a number from 0 to 65535, not "65536"'],
  ["an empty port", { PORT: "" }, 'PORT must be a number from 0 to 65535, not ""'],
])("the example receiver says in one line that it was given %s", (_what, environment, said) => {
  const { status, stderr } = spawnSync(process.execPath, [EXAMPLE], {
    env: { PATH: process.env.PATH, WEBHOOK_SECRET: `whsec_${"A".repeat(32)}`, ...environment },
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([1, `${said}\n`]);
});

it("the example receiver says in one line that its port is taken", async () => {
  const server = createServer();
  const port = await listenLocally(server, 0);
  const { status, stderr } = spawnSync(process.execPath, [EXAMPLE], {
    env: { PATH: process.env.PATH, WEBHOOK_SECRET: `whsec_${"A".repeat(32)}`, PORT: String(port) },
    encoding: "utf8",
  });
  server.close();
  expect(status).toBe(1);
  expect(stderr).toMatch(new RegExp(`^cannot listen on port ${port}: .*EADDRINUSE.*\n$`));
});

it("the example receiver prints every message once across a restart, and reports missing messages", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stasis-relay-"));
  try {
    await using relay = await TestRelay.start();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const { id, secret } = await relay.createSession({ feed: "pbx", url });
    const environment = {
      WEBHOOK_SECRET: secret,
      PORT: String(port),
      STATE_FILE: join(directory, "state.json"),
    };
    const stateOf = async () => JSON.parse(await readFile(environment.STATE_FILE, "utf8"));

    {
      await using example = await Example.start(environment);
      await relay.append("pbx", someEvents(2, ["ChannelCreated", "ChannelDestroyed"]));
      expect(await example.untilLines(2)).toEqual([
        "1 2026-11-23T08:00:24.396+0000 ChannelCreated",
        "2 2026-11-23T08:00:24.396+0000 ChannelDestroyed",
      ]);
      // A request that did not come from the relay is refused and changes nothing.
      expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
      expect(await stateOf()).toMatchObject({ last: 2 });
      expect(await example.end("SIGTERM")).toBe(0);
      expect(example.errors).not.toContain("MISSING");
    }

    // While nobody listens, messages wait in the queue.
    await relay.append("pbx", someEvents(3, ["Waiting"]));
    {
      await using example = await Example.start(environment);
      await relay.changeSession(id, { state: "active" });
      expect((await example.untilLines(3)).map((line) => line.split(" ")[0])).toEqual(["3", "4", "5"]);
      expect(example.errors).not.toContain("MISSING");

      // A seek to the beginning: the receiver has everything already.
      await relay.changeSession(id, { next: 1 });
      await relay.append("pbx", someEvents(1, ["Last"]));
      expect((await example.untilLines(4))[3]).toMatch(/^6 .* Last$/);
      expect(example.lines).toHaveLength(4);
      expect(example.errors).not.toContain("MISSING");

      // A seek forward skips messages that the receiver does not have.
      await relay.changeSession(id, { state: "paused" });
      await relay.append("pbx", someEvents(2, ["Skipped"]));
      await relay.changeSession(id, { next: "tail", state: "active" });
      await relay.append("pbx", someEvents(1, ["Beyond"]));
      expect((await example.untilLines(5))[4]).toMatch(/^9 .* Beyond$/);
      expect(example.errors).toContain("MISSING: at least one message from 7 to 8");
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

it("the example receiver names a missing setting", async () => {
  const child = spawn(process.execPath, [EXAMPLE], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(1);
  expect(errors).toContain("set WEBHOOK_SECRET");
});
