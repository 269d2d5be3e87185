import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { freePort } from "../../local/freePort.ts";
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
