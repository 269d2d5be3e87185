import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { freePort } from "../../../local/freePort.ts";
import { eventually } from "../../support/eventually.ts";

const MAIN = new URL("../../../local/main.ts", import.meta.url).pathname;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOUR = /\x1b\[\d+m/;

/** The relay in a terminal of 100 columns, in which somebody types. */
class InTerminal implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  shown = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = once(child, "close");
    child.stdout?.on("data", (chunk: Buffer) => {
      this.shown += chunk;
    });
  }

  static async start(options = "", environment: Record<string, string> = {}): Promise<InTerminal> {
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...inherited } = process.env;
    const command = `stty cols 100 rows 40; exec "${process.execPath}" "${MAIN}" ${options}`;
    const child = spawn("script", ["--quiet", "--flush", "--return", "--command", command, "/dev/null"], {
      env: {
        ...inherited,
        TERM: "xterm-256color",
        PORT: String(await freePort()),
        AMI_PORT: "0",
        ...environment,
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    return new InTerminal(child);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  async until(text: string | RegExp): Promise<void> {
    const isShown = () => (typeof text === "string" ? this.shown.includes(text) : text.test(this.shown));
    await eventually(`the terminal shows ${text}`, isShown, 60_000);
  }

  get url(): string {
    return /stasis-relay is at (\S+)/.exec(this.shown)?.[1] ?? "";
  }

  post(path: string, body: unknown) {
    const headers = { authorization: "Bearer local", "content-type": "application/json" };
    return fetch(`${this.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The terminal is gone then, and the relay stops because of it.
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}

const CTRL_C = "\x03";

describe("npm start in a terminal", () => {
  it("shows a table of feeds and sessions, what passes by, how long the data last, and the demo's verdict", async () => {
    await using terminal = await InTerminal.start("--verbose");
    await terminal.until("wallboard");
    expect(terminal.shown).toContain(
      "Ctrl-C stops the relay, a second one at once. Data are in memory only.",
    );
    const endpoint = `http://127.0.0.1:${await freePort()}/`;
    await terminal.post("/v1/sessions", { feed: "pbx-1", url: endpoint });
    await terminal.post("/v1/feeds/pbx-1/events", [
      { type: "ChannelCreated", channel: { name: "PJSIP/a-1" } },
    ]);
    await terminal.until("pbx-1 1 ChannelCreated PJSIP/a-1");
    await terminal.until("backoff");
    await terminal.until(/\d attempts?: connection\.refused/);
    expect(terminal.shown).toMatch(COLOUR);
    await terminal.until("OK: all 453 events reached every session once, in order and unchanged");

    terminal.type(CTRL_C);
    expect(await terminal.ended).toEqual([0, null]);
    expect(terminal.shown).toContain("stopping …; Ctrl-C again stops at once");
    // The cursor is visible again.
    expect(terminal.shown.lastIndexOf("\x1b[?25h")).toBeGreaterThan(terminal.shown.lastIndexOf("\x1b[?25l"));
  }, 120_000);

  it("colours nothing under NO_COLOR, and stops at once on a second Ctrl-C", async () => {
    await using terminal = await InTerminal.start("--no-replay", { NO_COLOR: "1" });
    await terminal.until("no sessions yet");
    // A clean stop would wait for its answer.
    const hanging = createServer().listen(0, "127.0.0.1");
    await once(hanging, "listening");
    const { port } = hanging.address() as AddressInfo;
    const requested = once(hanging, "request");
    await terminal.post("/v1/sessions", { feed: "pbx-1", url: `http://127.0.0.1:${port}/` });
    await terminal.post("/v1/feeds/pbx-1/events", [{ type: "ChannelCreated" }]);
    await requested;
    await terminal.until(/pbx-1.*active/);
    expect(terminal.shown).not.toMatch(COLOUR);

    terminal.type(CTRL_C);
    await terminal.until("stopping …");
    terminal.type(CTRL_C);
    expect(await terminal.ended).toEqual([130, null]);
    hanging.close();
    hanging.closeAllConnections();
  }, 120_000);

  it("prints lines where the terminal cannot move its cursor", async () => {
    await using terminal = await InTerminal.start("--no-replay", { TERM: "dumb" });
    await terminal.until("Ctrl-C stops the relay");
    await terminal.post("/v1/feeds/pbx-1/events", [{ type: "ChannelCreated" }]);
    await terminal.until("pbx-1: appended 1");
    expect(terminal.shown).not.toContain("\x1b");
  }, 120_000);
});
