import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { Message } from "../../client/types.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { briefly } from "../failure.ts";
import { follow, isWanted } from "../follow.ts";
import { type FollowedMessages, followOptions } from "../followOptions.ts";
import { interruption } from "../interruption.ts";
import { LocalReceiver } from "../localReceiver.ts";
import { address, feedName } from "../options.ts";
import { messageLine } from "../output/messageLine.ts";
import { columnsOfOutput, paintError } from "../output/paint.ts";
import { jsonLine } from "../output/plain.ts";
import { type Run, runs } from "../run.ts";
import { sayGap } from "../sayGap.ts";
import { readSecret } from "../secret.ts";
import { httpUrl } from "../target.ts";
import { numberOption } from "../terminal/numberOption.ts";

const DEFAULT_BATCH = 100;

interface Options extends FollowedMessages {
  readonly forward?: string;
  readonly secretFile?: string;
  readonly maxBatch: number;
}

export function define(command: Command): void {
  followOptions(
    command
      .description(
        "Receives a feed's messages as webhooks on this machine, behind any NAT: they are pulled from the relay, and posted here, signed as the relay signs them.",
      )
      .argument("<feed>", "the feed's name", feedName)
      .option(
        "--forward <url>",
        "your receiver, such as http://localhost:3000/hook; without it, messages are only shown",
        address(httpUrl),
      )
      .option(
        "--secret-file <file>",
        "a file with the secret to sign with, - for standard input (WEBHOOK_SECRET; else a new one, which is shown)",
      ),
  )
    .option(
      "--max-batch <number>",
      "the most messages in one request",
      numberOption({ atLeast: 1, isWhole: true }),
      DEFAULT_BATCH,
    )
    .addHelpText(
      "after",
      `
The session lives in this command alone: the relay knows nothing of it, and
holds nothing back for it. A request that is not accepted is sent again, with
the same webhook-id, until it is; Ctrl-C ends that, and says how to go on.

Example:
  stasis-relay listen pbx-1 --forward http://localhost:3000/hook`,
    )
    .action(runs(listen));
}

async function listen(run: Run, feed: string, options: Options): Promise<ExitCode> {
  const { forward, from, format, type, maxBatch } = options;
  const given = await readSecret(options.secretFile, process.env);
  const secret = given ?? `whsec_${randomBytes(32).toString("base64")}`;
  const client = await run.connect();
  using stop = interruption();
  const session = `listen_${randomBytes(8).toString("hex")}`;
  const receiver =
    forward === undefined
      ? undefined
      : new LocalReceiver(run, { url: forward, secret, feed, session, signal: stop.signal });
  let next: number | undefined;
  const pages = follow({
    client,
    feed,
    format,
    from,
    signal: stop.signal,
    onTrouble: (error) =>
      run.note(paintError("yellow", `${briefly(error)}; trying again, nothing is missed`)),
    onRecovery: () => run.note(paintError("green", "the relay answers again")),
  });
  for await (const page of pages) {
    if (next === undefined) {
      next = page.messages[0]?.sequence ?? page.next;
      const secretNote = forward !== undefined && given === undefined ? `, signed with ${secret}` : "";
      run.note(
        `Listening to ${feed} from ${next} on${forward === undefined ? "" : `, for ${forward}`}${secretNote}. Ctrl-C stops it.`,
      );
    }
    if (page.gap !== undefined) {
      await sayGap(run, page.gap);
      await receiver?.sendGap(page.gap, format);
    }
    const messages = page.messages.filter((message) => isWanted(message, type));
    for (let index = 0; index < messages.length && !stop.signal.aborted; index += maxBatch) {
      const batch = messages.slice(index, index + maxBatch);
      if (receiver === undefined) for (const message of batch) await show(run, message);
      else if (!(await receiver.send(batch))) break;
      next = (batch.at(-1)?.sequence ?? next) + 1;
    }
    if (stop.signal.aborted) break;
    next = page.next;
  }
  if (next !== undefined)
    run.note(
      `Stopped before message ${next} of ${feed}. To go on:\n  ${paintError("bold", commandFrom(feed, next, options))}`,
    );
  return EXIT.done;
}

function commandFrom(feed: string, next: number, options: Options): string {
  const { forward, secretFile, format, type, maxBatch } = options;
  return [
    `stasis-relay listen ${feed} --from ${next}`,
    ...(forward === undefined ? [] : [`--forward ${forward}`]),
    ...(secretFile === undefined ? [] : [`--secret-file ${secretFile}`]),
    ...(format === "ami" ? ["--format ami"] : []),
    ...(type === undefined ? [] : [`--type ${type.join(",")}`]),
    ...(maxBatch === DEFAULT_BATCH ? [] : [`--max-batch ${maxBatch}`]),
  ].join(" ");
}

async function show(run: Run, message: Message): Promise<void> {
  await run.print(run.json ? jsonLine(message) : messageLine(message, columnsOfOutput()));
}
