import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { LibraryEvent } from "./libraries.ts";

/** A program that follows a feed with somebody's AMI library, and prints each event as a line of JSON. */
export class Client implements AsyncDisposable {
  readonly events: LibraryEvent[] = [];
  /** What it printed besides events, and its errors. */
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(command: readonly [program: string, ...args: string[]], environment: Record<string, string>) {
    const [program, ...args] = command;
    this.#child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#ended = once(this.#child, "close");
    const { stdout, stderr } = this.#child;
    if (stdout !== null) createInterface({ input: stdout }).on("line", (line) => this.#read(line));
    stderr?.on("data", (chunk: Buffer) => {
      this.output += chunk;
    });
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #read(line: string): void {
    if (line.startsWith("{")) this.events.push(JSON.parse(line));
    else this.output += `${line}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
