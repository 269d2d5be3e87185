import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import type { Command } from "commander";
import { CliError } from "../cliError.ts";
import { EXIT } from "../exitCodes.ts";
import { paint } from "../output/paint.ts";
import { type Run, runs } from "../run.ts";
import { readSecret } from "../secret.ts";
import { judgeSignature } from "../signatureVerdict.ts";

interface Options {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly secretFile?: string;
}

export function define(command: Command): void {
  command
    .description("Says whether a webhook request is signed with a secret, and if not, what may be wrong.")
    .argument("[body]", "a file with the exact bytes of the request's body; standard input if absent")
    .requiredOption("--id <text>", "the request's webhook-id")
    .requiredOption("--timestamp <seconds>", "its webhook-timestamp")
    .requiredOption("--signature <text>", "its webhook-signature, as a whole")
    .option("--secret-file <file>", "a file with the session's secret (WEBHOOK_SECRET)")
    .addHelpText(
      "after",
      `
Exits with 1 when a receiver would refuse the request.

Example:
  export WEBHOOK_SECRET=whsec_…
  stasis-relay verify-signature body.json --id msg_1 --timestamp 1795420824 \\
    --signature v1,…`,
    )
    .action(runs(verifySignature));
}

async function verifySignature(run: Run, file: string | undefined, options: Options) {
  const { id, timestamp, signature, secretFile } = options;
  const secret = await readSecret(secretFile, process.env);
  if (secret === undefined)
    throw new CliError("secret.missing", "Name the session's secret: WEBHOOK_SECRET or --secret-file.");
  const body = await readBody(file);
  const verdict = judgeSignature({ secret, id, timestamp, signature, body, nowEpochMillis: Date.now() });
  await run.answer(verdict, () => [
    `${paint(verdict.isValid ? "green" : "red", verdict.isValid ? "OK" : "WRONG")}: ${verdict.explanation}`,
  ]);
  return verdict.isValid ? EXIT.done : EXIT.failed;
}

async function readBody(file: string | undefined): Promise<Buffer> {
  try {
    return await (file === undefined || file === "-" ? buffer(process.stdin) : readFile(file));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : error;
    throw new CliError("body.unreadable", `${file}: cannot be read (${code})`);
  }
}
