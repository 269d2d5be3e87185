import { type Command, Option } from "commander";
import type { Session } from "../../client/types.ts";
import { feedName } from "../options.ts";
import { columnsOfOutput } from "../output/paint.ts";
import { type SessionRow, sessionLines } from "../output/sessionTable.ts";
import { type Run, runs } from "../run.ts";
import { watching } from "../watching.ts";

interface Options {
  readonly watch?: true;
  readonly feed?: string;
  readonly state?: Session["state"];
}

export function define(command: Command): void {
  command
    .description("Lists the sessions: where each stands, and why one does not receive.")
    .option("--watch", "look again every second, with rates, until Ctrl-C")
    .option("--feed <feed>", "only those of this feed", feedName)
    .addOption(
      new Option("--state <state>", "only those in this state").choices([
        "active",
        "backoff",
        "paused",
        "suspended",
      ]),
    )
    .addHelpText(
      "after",
      `
LAG counts the messages that the session has not received, and AGE is how old
the oldest of them is. TROUBLE says when the next try is and what the last one
met. Other commands take an id's beginning, as far as no other begins so.

Examples:
  stasis-relay sessions --state backoff
  stasis-relay sessions --watch --feed pbx-1
  stasis-relay sessions --json | jq '.sessions[] | select(.lagSeconds > 60)'`,
    )
    .action(runs(showSessions));
}

async function showSessions(run: Run, { watch, feed, state }: Options) {
  const client = await run.connect();
  return watching<Session, SessionRow>(run, {
    isRepeated: watch === true,
    read: async () => {
      const found: Session[] = [];
      for await (const session of client.listSessions())
        if ((feed ?? session.feed) === session.feed && (state ?? session.state) === session.state)
          found.push(session);
      return found.sort(
        (a, b) =>
          weightOf(b) - weightOf(a) || a.feed.localeCompare(b.feed) || a.createdAt.localeCompare(b.createdAt),
      );
    },
    keyOf: ({ id }) => id,
    placeOf: ({ next }) => next ?? undefined,
    rowOf: (session, messagesPerSecond) => ({ session, messagesPerSecond }),
    lines: (rows) => sessionLines(rows, Date.now(), columnsOfOutput()),
    answer: (sessions) => ({ sessions }),
    none:
      feed === undefined && state === undefined
        ? "There is no session yet. `stasis-relay subscribe FEED URL` makes one."
        : "There is no such session.",
  });
}

/** Those that need somebody come first: a screen may not have room for all. */
function weightOf({ state }: Session): number {
  return state === "suspended" ? 2 : state === "backoff" ? 1 : 0;
}
