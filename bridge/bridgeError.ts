import { RelayError } from "../shared/errors.ts";

/** One thing that is wrong, and where: `bridge.yaml:12`, a flag, or an environment variable. */
export interface Mistake {
  readonly at: string;
  readonly message: string;
}

/** The configuration cannot be used. It names everything that is wrong, not only the first. */
export class ConfigError extends RelayError {
  readonly mistakes: readonly Mistake[];

  constructor(mistakes: readonly Mistake[]) {
    super("config.invalid", mistakes.map(({ at, message }) => `${at}: ${message}`).join("\n"), {
      facts: { mistakes },
    });
    this.mistakes = mistakes;
  }
}
