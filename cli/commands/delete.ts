import type { Command } from "commander";
import type { Session } from "../../client/types.ts";
import { confirm } from "../confirm.ts";
import { counted } from "../output/counted.ts";
import { whereTo } from "../output/sessionTable.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

interface Options {
  readonly yes?: true;
}

export function define(command: Command): void {
  command
    .description("Ends a subscription. Says first what is lost with it.")
    .argument("<session>", SESSION_HELP)
    .option("--yes", "delete it without a question")
    .action(runs(remove));
}

async function remove(run: Run, id: string, { yes }: Options) {
  const client = await run.connect();
  const session = await findSession(client, id);
  await confirm(run, losses(session), { yes });
  await client.deleteSession(session.id);
  await run.answer({ deleted: session.id }, () => [`${session.id} is deleted.`]);
}

function losses(session: Session): string[] {
  const { id, feed, next, lagMessages, kind } = session;
  const lost =
    next === null || lagMessages === null
      ? []
      : lagMessages === 0
        ? [`It has got everything up to ${next - 1}.`]
        : [
            `It will never get the ${counted(lagMessages, "message")} ahead of it: ${next} to ${next + lagMessages - 1}.`,
          ];
  return [
    `${id} sends ${feed} to ${whereTo(session)}.`,
    ...lost,
    kind === "ami"
      ? "Its name and its secret end, and its clients are logged off."
      : "Its secret ends, and nobody can explain what it got any more.",
  ];
}
