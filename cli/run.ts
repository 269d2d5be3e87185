import { once } from "node:events";
import type { Command } from "commander";
import { RelayClient } from "../client/relayClient.ts";
import packageJson from "../package.json" with { type: "json" };
import { EXIT, type ExitCode } from "./exitCodes.ts";
import { reportFailure } from "./failure.ts";
import { columnsOfErrors, columnsOfOutput } from "./output/paint.ts";
import { jsonLine } from "./output/plain.ts";
import { wrapped } from "./output/wrapped.ts";
import { resolveTarget, type Target, type TargetOptions } from "./target.ts";

interface GlobalOptions extends TargetOptions {
  readonly json?: true;
}

/** What a command works with: the relay that it calls, its output, and Ctrl-C. */
export class Run {
  readonly json: boolean;
  readonly #options: GlobalOptions;
  #target: Target | undefined;

  constructor(options: GlobalOptions) {
    this.#options = options;
    this.json = options.json === true;
  }

  get targetOptions(): TargetOptions {
    return this.#options;
  }

  /** Undefined until a relay was needed. */
  get target(): Target | undefined {
    return this.#target;
  }

  async connect(): Promise<RelayClient> {
    this.#target ??= await resolveTarget(this.#options, process.env);
    const { url, key } = this.#target;
    return clientOf(url, key);
  }

  /** What a program may read: a line of standard output. Waits for a slow reader. */
  async print(line: string): Promise<void> {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
  }

  async printLines(lines: readonly string[]): Promise<void> {
    await this.print(wrapped(lines.join("\n"), columnsOfOutput()));
  }

  /** The answer: for programs with `--json`, otherwise for people. */
  async answer(value: unknown, lines: () => readonly string[]): Promise<void> {
    if (this.json) await this.print(jsonLine(value));
    else await this.printLines(lines());
  }

  /** For people only: a line of standard error. */
  note(line: string): void {
    process.stderr.write(`${wrapped(line, columnsOfErrors())}\n`);
  }
}

export function clientOf(url: string, apiKey: string): RelayClient {
  return new RelayClient({ url, apiKey, userAgent: `stasis-relay-cli/${packageJson.version}` });
}

/** The action of a command. Its failure is explained, and sets the exit code. */
export function runs<Args extends unknown[]>(
  work: (run: Run, ...args: Args) => Promise<ExitCode> | Promise<void>,
) {
  return async function (this: Command, ...args: Args): Promise<void> {
    const run = new Run(this.optsWithGlobals<GlobalOptions>());
    try {
      process.exitCode = (await work(run, ...args)) ?? EXIT.done;
    } catch (error) {
      process.exitCode = reportFailure(error, run);
    }
  };
}
