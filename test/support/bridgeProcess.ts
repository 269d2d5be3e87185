import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "./eventually.ts";

const MAIN = new URL("../../bridge/main.ts", import.meta.url).pathname;

/** The bridge as a process, as systemd starts it. A test can kill it. */
export class BridgeProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  /** Resolves with the exit code and the signal. */
  readonly ended: Promise<unknown>;
  output = "";

  /** @param config the path of the configuration file */
  constructor(config: string, environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [MAIN, "--config", config], {
      env: { PATH: process.env.PATH, RELAY_KEY: "local", ARI_PASSWORD: "secret", ...environment },
    });
    this.ended = once(this.child, "close");
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.output += chunk;
      });
  }

  /** The log's messages. */
  get messages(): string[] {
    return [...this.output.matchAll(/"message":"([^"]*)"/g)].map(([, message = ""]) => message);
  }

  until(message: string): Promise<unknown> {
    return eventually(`${message} in ${this.output}`, () => this.messages.includes(message));
  }

  async end(signal: NodeJS.Signals): Promise<unknown> {
    this.child.kill(signal);
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}
