import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { RelayClient } from "../../client/index.ts";
import { eventually } from "./eventually.ts";
import { startFlags } from "./startFlags.ts";

const MAIN = new URL("../../local/main.ts", import.meta.url).pathname;

/** On a busy machine, a relay with much data takes long to start. */
const START_MILLIS = 60_000;

/** `npm start` in a separate process, which a test can kill. */
export class RelayProcess implements AsyncDisposable {
  readonly client: RelayClient;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.client = new RelayClient({ url: `http://127.0.0.1:${port}`, apiKey: "local" });
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
  }

  static async start(port: number, environment: Record<string, string>, args: string[] = ["--no-replay"]) {
    const child = spawn(process.execPath, [...startFlags(), MAIN, ...args], {
      env: { ...process.env, PORT: String(port), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const relay = new RelayProcess(child, port);
    await eventually(
      "a healthy relay",
      async () => {
        if (child.exitCode !== null)
          throw new Error(`the relay ended with ${child.exitCode}: ${relay.output}`);
        return relay.client.isHealthy();
      },
      START_MILLIS,
    );
    return relay;
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when the process has ended by itself. */
  get exitCode(): Promise<number | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode);
    return once(this.#child, "exit").then(([code]) => code);
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends the process a signal. Returns the exit code, or null if the signal itself ended the process. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
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
