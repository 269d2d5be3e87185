import type { Command } from "commander";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

export function define(command: Command): void {
  command
    .description(
      "Pauses a session. It keeps its place, and its feed keeps what it has not got, up to the retention.",
    )
    .argument("<session>", SESSION_HELP)
    .addHelpText("after", "\nA paused AMI user cannot log in, and its connections are closed.")
    .action(runs(pause));
}

async function pause(run: Run, id: string) {
  const client = await run.connect();
  const { id: whole } = await findSession(client, id);
  const session = await client.changeSession(whole, { state: "paused" });
  const place = session.next === null ? "" : `; its next message is ${session.next}`;
  await run.answer(session, () => [
    `${session.id} is paused${place}. \`stasis-relay resume ${session.id}\` lets it go on.`,
  ]);
}
