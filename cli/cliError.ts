import { EXIT, type ExitCode } from "./exitCodes.ts";

/** The command cannot do its work, for a reason of its own. The message says what to do about it. */
export class CliError extends Error {
  /** Stable, for programs that read `--json`. */
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, message: string, exitCode: ExitCode = EXIT.failed, cause?: unknown) {
    super(message, { cause });
    this.name = "CliError";
    this.code = code;
    this.exitCode = exitCode;
  }
}
