import type { Command } from "commander";
import type { Attempt, Session } from "../../client/types.ts";
import { filterText } from "../filterOptions.ts";
import { attemptLines } from "../output/attemptTable.ts";
import { counted } from "../output/counted.ts";
import { type Fact, factLines } from "../output/facts.ts";
import { columnsOfOutput, paint } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { stateStyle, troubleText } from "../output/sessionTable.ts";
import { agoText, lengthText } from "../output/times.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";

const SHOWN_ATTEMPTS = 10;

interface Options {
  readonly all?: true;
}

export function define(command: Command): void {
  command
    .description("Shows one session: its settings, where it stands, and what its endpoint answered lately.")
    .argument("<session>", SESSION_HELP)
    .option("--all", `all attempts that are kept (50), and not the last ${SHOWN_ATTEMPTS}`)
    .addHelpText(
      "after",
      `
Attempts that follow each other with success are one line, with how many
requests they were. They are written down after some seconds, on AWS after a
minute.`,
    )
    .action(runs(showSession));
}

async function showSession(run: Run, id: string, { all }: Options) {
  const client = await run.connect();
  const session = await findSession(client, id);
  const { attempts } = await client.attempts(session.id);
  await run.answer({ ...session, attemptList: attempts }, () =>
    lines(session, all ? attempts : attempts.slice(0, SHOWN_ATTEMPTS), Date.now()),
  );
}

function lines(session: Session, attempts: readonly Attempt[], nowEpochMillis: number): string[] {
  const { cursor } = session;
  const style = stateStyle(session.state);
  const trouble = troubleText(session, nowEpochMillis);
  const place: readonly Fact[] =
    session.next === null
      ? [["position", "none: a login begins with the next event"]]
      : [
          ["next", session.next],
          [
            "lag",
            session.lagMessages
              ? `${counted(session.lagMessages, "message")}, ${lengthText(session.lagSeconds ?? 0)}`
              : "none",
          ],
        ];
  const facts = factLines([
    ["session", session.id],
    ["feed", session.feed],
    ...settings(session),
    ["state", style === undefined ? session.state : paint(style, session.state)],
    ["trouble", trouble && paint("yellow", trouble)],
    ...place,
    ["last delivery", session.next === null ? undefined : agoText(session.lastDelivery, nowEpochMillis)],
    ["created", agoText(session.createdAt, nowEpochMillis)],
    ["gap to tell", cursor?.gap && `${cursor.gap.first} to ${cursor.gap.last} (${cursor.gap.reason})`],
    [
      "row",
      cursor && `${cursor.state} in segment ${cursor.segment}, fence ${cursor.fence}, ${cursor.lane} lane`,
    ],
  ]);
  if (session.kind === "ami") return facts;
  return [
    ...facts,
    "",
    ...(attempts.length === 0
      ? ["No attempt is written down yet."]
      : attemptLines(attempts, nowEpochMillis, columnsOfOutput())),
  ];
}

function settings(session: Session): readonly Fact[] {
  if (session.kind === "webhook")
    return [
      ["url", plain(session.url)],
      ["format", session.format],
      ["gets", plain(filterText(session.filter))],
      ["batches", `of at most ${session.maxBatch} messages`],
    ];
  const { username, read, eventFilters, resume, multipleLogin, sequenceHeader, connectedSince } = session;
  return [
    ["AMI user", plain(username)],
    ["gets", plain(filterText({ read, ...(eventFilters.length > 0 && { eventFilters }) }))],
    ["login", resume ? "goes on where the last one was" : "begins with the next event"],
    ["second login", multipleLogin],
    ["header", sequenceHeader ? "RelaySequence" : undefined],
    ["connected", connectedSince && `since ${connectedSince}`],
  ];
}
