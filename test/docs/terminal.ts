import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, dirname } from "node:path";
import { eventually } from "../support/eventually.ts";
import { ROOT } from "./documents.ts";

/**
 * A shell in which a reader types the commands of a document. What they set and start lasts until the end. Its processes
 * are a group, which ends with it.
 */
export class Terminal implements AsyncDisposable {
  readonly #shell: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";
  #commands = 0;

  constructor(environment: Readonly<Record<string, string>> = {}, directory: string = ROOT) {
    this.#shell = spawn("bash", ["--norc"], {
      cwd: directory,
      detached: true,
      env: {
        ...process.env,
        PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
        ...environment,
      },
    });
    this.#ended = once(this.#shell, "close");
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk;
      });
  }

  /** Everything that was printed, also by programs that still run. */
  get output(): string {
    return this.#output;
  }

  /** Runs commands to their end. @returns what was printed meanwhile @throws when the last one fails */
  async run(commands: string, withinMillis = 30_000): Promise<string> {
    const begin = this.#output.length;
    const mark = `ended-${++this.#commands}:`;
    this.#shell.stdin?.write(`${commands}\necho "${mark}$?"\n`);
    const status = new RegExp(`${mark}(\\d+)`);
    const printed = await this.until(status, begin, withinMillis);
    const [, exitCode] = status.exec(printed) ?? [];
    if (exitCode !== "0") throw new Error(`${commands} ended with ${exitCode}: ${printed}`);
    return printed.replace(status, "").trim();
  }

  /** Starts a program that goes on running. @returns what it printed until the text came */
  async start(commands: string, text: string | RegExp, withinMillis = 60_000): Promise<string> {
    const begin = this.#output.length;
    this.#shell.stdin?.write(`${commands}\n`);
    return this.until(text, begin, withinMillis);
  }

  async until(text: string | RegExp, begin = 0, withinMillis = 30_000): Promise<string> {
    const found = () => {
      const printed = this.#output.slice(begin);
      return typeof text === "string" ? printed.includes(text) : text.test(printed);
    };
    try {
      await eventually(String(text), found, withinMillis);
    } catch (error) {
      throw new Error(`the terminal shows: ${this.#output.slice(begin)}`, { cause: error });
    }
    return this.#output.slice(begin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#shell.pid !== undefined) process.kill(-this.#shell.pid, "SIGTERM");
    await this.#ended;
  }
}
