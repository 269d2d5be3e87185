import type { Command } from "commander";
import type { RelayClient } from "../../client/relayClient.ts";
import type { Position, Session, WebhookSession } from "../../client/types.ts";
import { CliError } from "../cliError.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { place } from "../options.ts";
import { counted } from "../output/counted.ts";
import { plain } from "../output/plain.ts";
import { tookText } from "../output/times.ts";
import { numberAt, PLACES } from "../place.ts";
import { type ReplayRange, type ReplayResult, replayRange } from "../replaying.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

interface Options {
  readonly from: Position;
  readonly to?: Position;
  readonly dryRun?: true;
}

export function define(command: Command): void {
  command
    .description("Sends a session what it had, once more, and puts it back to where it stood.")
    .argument("<session>", `a webhook: ${SESSION_HELP}`)
    .requiredOption("--from <place>", `the first message: ${PLACES}`, place)
    .option(
      "--to <place>",
      "the last message, as --from; the last one that the session has got if absent",
      place,
    )
    .option("--dry-run", "only count")
    .addHelpText(
      "after",
      `
New messages wait until the replay is done; none is lost. Ctrl-C puts the
session back at once. Some messages behind --to may come once more too. A
receiver that drops the numbers which it has, as it should, must forget them
first.

Examples:
  stasis-relay replay ses_3fa9 --from 1h --dry-run
  stasis-relay replay ses_3fa9 --from 08:00 --to 08:30`,
    )
    .action(runs(replay));
}

async function replay(run: Run, id: string, { from, to, dryRun }: Options): Promise<ExitCode> {
  const client = await run.connect();
  const session = requireReplayable(await findSession(client, id));
  const range = await rangeOf(client, session, from, to);
  const { first, last, asked } = range;
  const count = last - first + 1;
  if (count <= 0) {
    await run.answer({ session: session.id, messages: 0, dryRun: true }, () => [
      `${session.id} has had none of these messages yet; those that it has not got come by themselves. It stands at ${session.next}.`,
    ]);
    return EXIT.done;
  }
  const facts = { session: session.id, first, last, messages: count };
  const filtered = session.filter === null ? "" : ", without those that its filter leaves out";
  const planned = [
    ...(asked < first ? [`${asked} to ${first - 1} are freed and cannot be sent again.`] : []),
    `${counted(count, "message")} of ${session.feed}, ${first} to ${last}${filtered}, to ${plain(session.url)}`,
  ];
  if (dryRun) {
    await run.answer({ ...facts, dryRun: true }, () => [...planned, "Nothing was sent."]);
    return EXIT.done;
  }
  if (!run.json) for (const line of planned) run.note(line);
  const result = await replayRange(client, session, range);
  const accepted = result.reached > first ? { first, last: Math.min(last, result.reached - 1) } : null;
  await run.answer(
    { ...facts, accepted, failedAttempts: result.failures, next: result.next, outcome: result.kind },
    () => [
      accepted === null
        ? "The endpoint accepted nothing."
        : `The endpoint accepted ${accepted.first} to ${accepted.last}${filtered} in ${tookText(result.seconds)}.`,
      ...(result.failures > 0
        ? [`Meanwhile ${counted(result.failures, "attempt")} failed${result.lastError}.`]
        : []),
      ENDINGS[result.kind](session, result),
    ],
  );
  return EXIT_OF[result.kind];
}

function requireReplayable(session: Session): WebhookSession {
  if (session.kind === "ami")
    throw new CliError(
      "session.kind",
      `${session.id} is an AMI user, to whom nothing can be sent while nobody is logged in. \`stasis-relay seek\` moves its position.`,
    );
  if (session.state === "paused" || session.state === "suspended")
    throw new CliError(
      "session.stopped",
      `${session.id} is ${session.state}. Resume it first: stasis-relay resume ${session.id}`,
    );
  return session;
}

async function rangeOf(
  client: RelayClient,
  session: WebhookSession,
  from: Position,
  to: Position | undefined,
): Promise<ReplayRange> {
  const { head } = await client.feed(session.feed);
  const asked = await numberAt(client, session.feed, from);
  const last = session.next - 1;
  return {
    asked,
    first: Math.max(asked, head),
    last: to === undefined ? last : Math.min(last, await lastAt(client, session.feed, to)),
  };
}

/** A number names the last message itself; a time ends before the first message that is younger. */
async function lastAt(client: RelayClient, feed: string, to: Position): Promise<number> {
  const number = await numberAt(client, feed, to);
  return typeof to === "number" || to === "head" ? number : number - 1;
}

const EXIT_OF: Readonly<Record<ReplayResult["kind"], ExitCode>> = {
  done: EXIT.done,
  stopped: EXIT.interrupted,
  halted: EXIT.failed,
  stranded: EXIT.unavailable,
};

const ENDINGS: Readonly<
  Record<ReplayResult["kind"], (session: WebhookSession, result: ReplayResult) => string>
> = {
  done: ({ id }, { next }) => `${id} goes on at ${next}.`,
  stopped: ({ id }, { next, reached, last }) =>
    `Stopped before ${reached}. ${id} is back at ${next}. To go on:\n  stasis-relay replay ${id} --from ${reached} --to ${last}`,
  halted: ({ id, next }) => `${id} was paused by somebody, or its endpoint is gone. It is back at ${next}.`,
  stranded: ({ id, next }, { reached }) =>
    `The relay does not answer, so ${id} could not be put back. It loses nothing: it sends ${reached} to ${next - 1} again. To put it back:\n  stasis-relay seek ${id} --to ${next} --yes`,
};
