import type { Command } from "commander";
import type { Position } from "../../client/types.ts";
import { CliError } from "../cliError.ts";
import { confirm } from "../confirm.ts";
import { place } from "../options.ts";
import { counted } from "../output/counted.ts";
import { numberAt, PLACES, placeText } from "../place.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

interface Options {
  readonly to: Position;
  readonly yes?: true;
}

export function define(command: Command): void {
  command
    .description("Moves a session: the message there is its next one.")
    .argument("<session>", SESSION_HELP)
    .requiredOption("--to <place>", PLACES, place)
    .option("--yes", "skip messages without a question")
    .addHelpText(
      "after",
      `
Back, the session gets everything since that place again: \`stasis-relay
replay\` sends a part. Forward, it never gets what is skipped, so the command
says what that is and asks.

Examples:
  stasis-relay seek ses_3fa9 --to 5m
  stasis-relay seek ses_3fa9 --to tail --yes`,
    )
    .action(runs(seek));
}

async function seek(run: Run, id: string, { to, yes }: Options) {
  const client = await run.connect();
  const before = await findSession(client, id);
  if (before.next === null)
    throw new CliError(
      "session.no-position",
      `The AMI user ${before.id} has no position. \`stasis-relay change ${before.id} --resume\` begins one.`,
    );
  const target = await numberAt(client, before.feed, to);
  const skipped = target - before.next;
  if (skipped > 0)
    await confirm(
      run,
      [
        `${before.id} will never get ${counted(skipped, "message")} of ${before.feed}: ${before.next} to ${target - 1}.`,
      ],
      { yes },
    );
  const session = await client.changeSession(before.id, { next: to });
  const again = before.next - (session.next ?? before.next);
  await run.answer(session, () => [
    `${session.id} stands at ${session.next} (${placeText(to)}) now, with ${counted(session.lagMessages ?? 0, "message")} ahead` +
      (again > 0 ? `; ${again} of them are sent again.` : "."),
    ...(session.state === "active"
      ? []
      : [`It is ${session.state}: \`stasis-relay resume ${session.id}\` lets it go on.`]),
  ]);
}
