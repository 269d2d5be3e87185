import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "./eventually.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

export interface CliResult {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** The command `stasis-relay` as a process. */
export class Cli {
  readonly #environment: Readonly<Record<string, string>>;

  /**
   * @param environment nothing of the test's own environment that begins with STASIS_RELAY_ is passed on, nor what makes
   *   Node write no colours: with CI it has none on a terminal, either
   */
  constructor(environment: Readonly<Record<string, string>>) {
    const own = Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || /^(STASIS_RELAY_|XDG_|WEBHOOK_SECRET|NO_COLOR|FORCE_COLOR|CI$)/.test(name)
        ? []
        : [[name, value] as const],
    );
    this.#environment = { ...Object.fromEntries(own), ...environment };
  }

  with(environment: Readonly<Record<string, string>>): Cli {
    return new Cli({ ...this.#environment, ...environment });
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input: string | Buffer = ""): Promise<CliResult> {
    const running = this.start(args);
    running.write(input, { ends: true });
    return running.ended;
  }

  /** The JSON that a command answers with. @throws when it fails */
  // biome-ignore lint/suspicious/noExplicitAny: what it has is what the test checks
  async json(args: readonly string[]): Promise<any> {
    const { code, output, errors } = await this.run([...args, "--json"]);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${errors}`);
    return JSON.parse(output);
  }

  start(args: readonly string[]): RunningCli {
    return new RunningCli(spawn(process.execPath, [MAIN, ...args], { env: this.#environment }));
  }

  /** Runs a command on a terminal of its own, by `script` of util-linux. What it shows is in `output`. */
  onTerminal(args: readonly string[], { columns = 80, rows = 24 } = {}): RunningCli {
    const quoted = [process.execPath, MAIN, ...args].map((each) => `'${each.replaceAll("'", "'\\''")}'`);
    const command = `stty cols ${columns} rows ${rows}; exec ${quoted.join(" ")}`;
    const env = { ...this.#environment, TERM: "xterm-256color", SHELL: "/bin/sh" };
    return new RunningCli(spawn("script", ["-qec", command, "/dev/null"], { env }));
  }
}

export class RunningCli {
  readonly ended: Promise<CliResult>;
  readonly #child: ChildProcess;
  #output = "";
  #errors = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk;
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk;
    });
    // A command that refuses its arguments reads nothing.
    child.stdin?.on("error", () => {});
    this.ended = once(child, "close").then(([code]) => ({
      code,
      output: this.#output,
      errors: this.#errors,
    }));
  }

  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  write(text: string | Buffer, { ends = false } = {}): void {
    this.#child.stdin?.write(text);
    if (ends) this.#child.stdin?.end();
  }

  /** Resolves when the output or the errors have it. */
  async until(text: string | RegExp): Promise<void> {
    const has = (shown: string) => (typeof text === "string" ? shown.includes(text) : text.test(shown));
    try {
      await eventually(String(text), () => has(this.#output) || has(this.#errors));
    } catch (error) {
      throw new Error(`the command shows: ${this.#output}\n${this.#errors}`, { cause: error });
    }
  }

  /** Ctrl-C, as a terminal sends it to a process. */
  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill("SIGKILL");
    await this.ended;
  }
}
