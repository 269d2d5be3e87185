import type { Command } from "commander";
import { CliError } from "../cliError.ts";
import { confirm } from "../confirm.ts";
import { factLines } from "../output/facts.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";
import { readKey } from "../target.ts";

interface Options {
  readonly atOnce?: true;
  readonly secretFile?: string;
  readonly yes?: true;
}

export function define(command: Command): void {
  command
    .description("Makes a new secret for a session, and shows it this once.")
    .argument("<session>", SESSION_HELP)
    .option("--at-once", "the old secret ends now, and not after a day")
    .option("--secret-file <file>", "AMI users: a file with the new secret, - for standard input")
    .option("--yes", "with --at-once: end it without a question")
    .addHelpText(
      "after",
      `
Until the old secret ends, every request is signed with both, and an AMI user
can log in with either. --at-once is for a secret that others know: receivers
and clients that have only the old one are refused from then on.`,
    )
    .action(runs(rotate));
}

async function rotate(run: Run, id: string, { atOnce, secretFile, yes }: Options) {
  const client = await run.connect();
  const { id: whole, kind } = await findSession(client, id);
  if (secretFile !== undefined && kind !== "ami")
    throw new CliError("arguments", "The relay makes the secret of a webhook: leave --secret-file out.");
  const secret = secretFile === undefined ? undefined : await readKey(secretFile);
  if (atOnce)
    await confirm(
      run,
      [
        `The secret that ${whole} has now ends at once: ${kind === "ami" ? "logins with it fail" : "receivers that check with it refuse every request"}.`,
      ],
      { yes },
    );
  const session = await client.changeSession(whole, {
    rotateSecret: atOnce ? "at-once" : true,
    ...(secret !== undefined && { secret }),
  });
  await run.answer(session, () =>
    factLines([
      ["session", session.id],
      ["secret", session.secret],
      ["old secret", atOnce ? "has ended" : "stays valid for a day, unless the relay is set otherwise"],
    ]),
  );
  if (!run.json) run.note("Keep the secret: it is not shown again.");
}
