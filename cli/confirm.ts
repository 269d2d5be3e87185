import { createInterface } from "node:readline/promises";
import { CliError } from "./cliError.ts";
import { EXIT } from "./exitCodes.ts";
import { paintError } from "./output/paint.ts";
import type { Run } from "./run.ts";

/**
 * Says what will be lost, and asks. Nobody is asked with `--yes`, and nothing is done where nobody can be asked.
 * @throws CliError unless somebody said yes
 */
export async function confirm(
  run: Run,
  lost: readonly string[],
  { yes }: { readonly yes?: true | undefined },
): Promise<void> {
  for (const line of lost) run.note(line);
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY || run.json)
    throw new CliError(
      "unconfirmed",
      `${run.json ? `${lost.join(" ")} ` : ""}Nothing was done. --yes confirms it.`,
      EXIT.unconfirmed,
    );
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl-D closes the interface without an answer.
    const closed = new Promise<string>((resolve) => asked.once("close", () => resolve("")));
    const answer = await Promise.race([asked.question(`${paintError("bold", "Go on?")} (y/N) `), closed]);
    if (!/^y(es)?$/i.test(answer.trim()))
      throw new CliError("unconfirmed", "Nothing was done.", EXIT.unconfirmed);
  } finally {
    asked.close();
  }
}
