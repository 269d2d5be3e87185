import type { Command } from "commander";
import { EXIT } from "../exitCodes.ts";
import { attemptText } from "../output/attemptTable.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

export function define(command: Command): void {
  command
    .description(
      "Sends one signed test message to a session's endpoint now, outside the queue: nothing is moved or counted.",
    )
    .argument("<session>", SESSION_HELP)
    .addHelpText("after", "\nExits with 1 when the endpoint does not accept it. Its type is RelayTest.")
    .action(runs(test));
}

async function test(run: Run, id: string) {
  const client = await run.connect();
  const session = await findSession(client, id);
  const attempt = await client.testSession(session.id);
  await run.answer(attempt, () => [attemptText(attempt, Date.now())]);
  return attempt.outcome === "accepted" ? EXIT.done : EXIT.failed;
}
