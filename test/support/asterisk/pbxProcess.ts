import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { z } from "zod";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const portsSchema = z.object({ ariPort: z.number(), amiPort: z.number() });

/** A PBX in a process of its own, which a test can kill. Its options are those of main.ts. */
export class PbxProcess implements AsyncDisposable {
  readonly ariPort: number;
  readonly amiPort: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: z.infer<typeof portsSchema>) {
    this.#child = child;
    this.ariPort = ports.ariPort;
    this.amiPort = ports.amiPort;
  }

  static async start(options: Readonly<Record<string, string | number>>): Promise<PbxProcess> {
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface(child.stdout))
      return new PbxProcess(child, portsSchema.parse(JSON.parse(line)));
    throw new Error("the PBX ended before it listened");
  }

  /** Ends the playing. What was played is in the journal soon after. */
  quiet(): void {
    this.#child.kill("SIGUSR2");
  }

  /** Ends the process with a signal, and waits until it has ended. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
