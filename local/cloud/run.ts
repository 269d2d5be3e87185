import { type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { RelayError } from "../../shared/errors.ts";

/** Runs a program to its end and shows its output. @throws CommandError when the program fails */
export async function run(program: string, args: readonly string[], options: SpawnOptions): Promise<void> {
  const exitCode = await exitCodeOf(program, args, options);
  if (exitCode !== 0) throw new CommandError([program, ...args].join(" "), exitCode);
}

/** The exit code of a program that ran to its end; undefined when a signal ended it. */
export async function exitCodeOf(
  program: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<number | undefined> {
  const child = spawn(program, args, { stdio: "inherit", ...options });
  const [exitCode] = (await once(child, "exit")) as [number | null];
  return exitCode ?? undefined;
}

class CommandError extends RelayError {
  constructor(command: string, exitCode: number | undefined) {
    super("local.command-failed", `${command} exited with ${exitCode ?? "a signal"}`);
  }
}
