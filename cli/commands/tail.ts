import type { Command } from "commander";
import type { Message } from "../../client/types.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { briefly } from "../failure.ts";
import { follow, isWanted } from "../follow.ts";
import { type FollowedMessages, followOptions } from "../followOptions.ts";
import { interruption } from "../interruption.ts";
import { feedName } from "../options.ts";
import { messageLine, wholeMessage } from "../output/messageLine.ts";
import { columnsOfOutput, paintError } from "../output/paint.ts";
import { jsonLine } from "../output/plain.ts";
import { type Run, runs } from "../run.ts";
import { sayGap } from "../sayGap.ts";
import { numberOption } from "../terminal/numberOption.ts";

interface Options extends FollowedMessages {
  readonly whole?: true;
  readonly limit?: number;
  /** false with --no-follow. */
  readonly follow: boolean;
}

export function define(command: Command): void {
  followOptions(
    command
      .description(
        "Shows the messages of a feed as they come, until Ctrl-C, which says how to go on from there.",
      )
      .argument("<feed>", "the feed's name", feedName),
  )
    .option("--whole", "all that a message has, in place of one line")
    .option("--limit <number>", "end after so many messages", numberOption({ atLeast: 1, isWhole: true }))
    .option("--no-follow", "end at the end of the feed")
    .addHelpText(
      "after",
      `
It needs no session and holds nothing back: what is freed while it is away is
reported as a gap. When the relay is away, it tries again and goes on where it
was. With --json, each message is a line of JSON as the interface has it, and a
gap is a line {"gap":…}. NO_COLOR=1 turns colours off.

Examples:
  stasis-relay tail pbx-1
  stasis-relay tail pbx-1 --from 5m --type ChannelCreated,ChannelDestroyed
  stasis-relay tail pbx-1 --from head --no-follow --json > messages.ndjson`,
    )
    .action(runs(tail));
}

async function tail(run: Run, feed: string, options: Options): Promise<ExitCode> {
  const { from, format, limit = Number.POSITIVE_INFINITY } = options;
  const client = await run.connect();
  using stop = interruption();
  let shown = 0;
  let next: number | undefined;
  const pages = follow({
    client,
    feed,
    format,
    from,
    signal: stop.signal,
    endsAtTail: !options.follow,
    onTrouble: (error) =>
      run.note(paintError("yellow", `${briefly(error)}; trying again, nothing is missed`)),
    onRecovery: () => run.note(paintError("green", "the relay answers again")),
  });
  for await (const page of pages) {
    if (page.gap !== undefined) await sayGap(run, page.gap);
    next ??= page.messages[0]?.sequence ?? page.next;
    for (const message of page.messages) {
      if (stop.signal.aborted || shown >= limit) break;
      if (isWanted(message, options.type)) {
        await run.print(shownAs(run, message, options));
        shown += 1;
      }
      next = message.sequence + 1;
    }
    if (stop.signal.aborted || shown >= limit) break;
    next = page.next;
  }
  if (options.follow || stop.signal.aborted) run.note(farewell(feed, next, options));
  return EXIT.done;
}

function shownAs(run: Run, message: Message, { whole }: Options): string {
  if (run.json) return jsonLine(message);
  return whole ? wholeMessage(message) : messageLine(message, columnsOfOutput());
}

/** Where it was, and the command that goes on there. */
function farewell(feed: string, next: number | undefined, { format, type, whole }: Options): string {
  if (next === undefined) return `No message of ${feed} was read.`;
  const parts = [
    `stasis-relay tail ${feed} --from ${next}`,
    ...(format === "ami" ? ["--format ami"] : []),
    ...(type ? [`--type ${type.join(",")}`] : []),
    ...(whole ? ["--whole"] : []),
  ];
  const place = next === 1 ? `before the first message of ${feed}` : `behind message ${next - 1} of ${feed}`;
  return `Stopped ${place}. To go on:\n  ${paintError("bold", parts.join(" "))}`;
}
