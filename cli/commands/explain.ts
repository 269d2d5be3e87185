import { type Command, InvalidArgumentError } from "commander";
import type { Explanation } from "../../client/types.ts";
import { attemptText } from "../output/attemptTable.ts";
import { factLines } from "../output/facts.ts";
import { paint, type Style } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { agoText } from "../output/times.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

export function define(command: Command): void {
  command
    .description("Says why a message did or did not reach a session.")
    .argument("<session>", SESSION_HELP)
    .argument("<sequence>", "the message's number in its feed", sequence)
    .addHelpText(
      "after",
      `
The outcome is one of: delivered, passed (it was, but no attempt at it is
kept), filtered, gap, in-flight, waiting, not-appended, freed, expired,
no-position.

Example:
  stasis-relay explain ses_3fa9 451`,
    )
    .action(runs(explain));
}

async function explain(run: Run, id: string, number: number) {
  const client = await run.connect();
  const session = await findSession(client, id);
  const explanation = await client.explain(session.id, number);
  await run.answer(explanation, () => lines(explanation, Date.now()));
}

const STYLES: Readonly<Record<string, Style>> = {
  delivered: "green",
  passed: "green",
  waiting: "yellow",
  "in-flight": "yellow",
  gap: "red",
  expired: "red",
};

function lines(explanation: Explanation, nowEpochMillis: number): string[] {
  const { outcome, because, filter, attempt, message } = explanation;
  const shown = because === undefined ? outcome : `${outcome} (${because})`;
  const kinds = [
    message?.type,
    message?.amiEvent && `AMI ${message.amiEvent}`,
    message?.amiClasses?.join(","),
  ];
  return [
    `${paint(STYLES[outcome] ?? "bold", shown)}: ${plain(explanation.explanation)}`,
    "",
    ...factLines([
      ["message", `${explanation.sequence} of ${explanation.feed}`],
      ["type", plain(kinds.filter(Boolean).join(", "))],
      ["appended", message && agoText(message.appendedAt, nowEpochMillis)],
      ["filter", filter && plain(filter.line === undefined ? filter.part : `${filter.part}: ${filter.line}`)],
      ["attempt", attempt && attemptText(attempt, nowEpochMillis)],
      ["webhook-id", attempt && plain(attempt.batch)],
    ]),
  ];
}

function sequence(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (number < 1 || !Number.isSafeInteger(number))
    throw new InvalidArgumentError("must be a whole number from 1 on");
  return number;
}
