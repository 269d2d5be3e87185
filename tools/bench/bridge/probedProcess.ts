import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { z } from "zod";

const PROBE = new URL("./probe.mjs", import.meta.url).href;
/** That of the systemd unit. */
const MEMORY_FLAG = "--max-old-space-size=192";
const SAMPLE_MILLIS = 100;
/** In /proc, Linux counts CPU time in ticks of 10 ms on every machine. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly peakResidentBytes: number;
  readonly loop: z.infer<typeof loopSchema>;
}

const loopSchema = z.object({
  /** How late the event loop was for a timer: the worst of 99 %. On a busy machine it says more about the machine. */
  delayMillisP99: z.number(),
  /** The main thread's own CPU time between two timers that are 10 ms apart. */
  workMillisP99: z.number(),
  workMillisMost: z.number(),
});

/** A program that is measured as a process (Linux). A `.js` file is the installed one, which its own first line starts. */
export class ProbedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #sampling: NodeJS.Timeout;
  #peakResidentBytes = 0;
  #cpuSecondsBefore = 0;
  output = "";

  constructor(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const command = program.endsWith(".js") ? [program] : [process.execPath, program];
    const [file = program, ...before] = command;
    this.#child = spawn(file, [...before, ...args], {
      env: { ...process.env, ...environment, NODE_OPTIONS: `--import ${PROBE} ${MEMORY_FLAG}` },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    this.#ended = once(this.#child, "exit");
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.output += chunk;
    });
    this.#sampling = setInterval(() => this.#sample(), SAMPLE_MILLIS);
  }

  /** What it has used since the last time. */
  async usage(): Promise<Usage> {
    const answer = once(this.#child, "message");
    this.#child.send("usage");
    const loop = loopSchema.parse((await answer)[0]);
    this.#sample();
    const peakResidentBytes = this.#peakResidentBytes;
    this.#peakResidentBytes = 0;
    const used = this.#cpuSeconds();
    const cpuSeconds = used - this.#cpuSecondsBefore;
    this.#cpuSecondsBefore = used;
    return { cpuSeconds, peakResidentBytes, loop };
  }

  #sample(): void {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(this.#read("status"))?.[1] ?? 0;
    this.#peakResidentBytes = Math.max(this.#peakResidentBytes, 1024 * Number(kilobytes));
  }

  #cpuSeconds(): number {
    // After the name in brackets: user and system time are the 12th and 13th field.
    const fields = this.#read("stat").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  #read(file: string): string {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampling);
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
