import type { Command } from "commander";
import { counted } from "../output/counted.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

export function define(command: Command): void {
  command
    .description(
      "Lets a paused or suspended session go on where it stopped. In a backoff, it tries again now.",
    )
    .argument("<session>", SESSION_HELP)
    .action(runs(resume));
}

async function resume(run: Run, id: string) {
  const client = await run.connect();
  const { id: whole } = await findSession(client, id);
  const session = await client.changeSession(whole, { state: "active" });
  const place =
    session.next === null
      ? ""
      : ` at ${session.next}, with ${counted(session.lagMessages ?? 0, "message")} ahead`;
  await run.answer(session, () => [`${session.id} goes on${place}.`]);
}
