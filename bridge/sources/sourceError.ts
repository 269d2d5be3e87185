import type { LinkLoss } from "../source.ts";

/** A PBX could not be asked. `code` is for decisions, the message is in the words of the PBX's configuration. */
export class SourceError extends Error implements LinkLoss {
  readonly code: LinkLoss["code"];

  constructor({ code, message }: LinkLoss, cause?: unknown) {
    super(message, { cause });
    this.name = "SourceError";
    this.code = code;
  }
}

/** What to report for anything that was thrown while a link was made. */
export function lossOf(error: unknown): LinkLoss {
  if (error instanceof SourceError) return { code: error.code, message: error.message };
  return { code: "protocol", message: error instanceof Error ? error.message : String(error) };
}
