import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import type { MessageFormat } from "../../client/types.ts";
import { type Appended, appendBatches } from "../appendBatches.ts";
import { CliError } from "../cliError.ts";
import { type EventFile, readEventFile } from "../eventFile.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { briefly } from "../failure.ts";
import { interruption } from "../interruption.ts";
import { feedName } from "../options.ts";
import { counted } from "../output/counted.ts";
import { paintError } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { Progress } from "../output/progress.ts";
import { type Run, runs } from "../run.ts";

const SHOWN_REFUSALS = 10;

interface Options {
  readonly format?: MessageFormat;
  readonly again?: true;
}

export function define(command: Command): void {
  command
    .description("Appends the events of a file to a feed, in order and each once.")
    .argument("<feed>", "the feed; it may be new", feedName)
    .argument(
      "<file>",
      "JSON (one event per line, or an array) or AMI text, also with gzip; - for standard input",
    )
    .addOption(
      new Option("--format <format>", "what the file has, if its beginning does not show it").choices([
        "stasis",
        "ami",
      ]),
    )
    .option("--again", "append a file once more that was appended before")
    .addHelpText(
      "after",
      `
Stopped by Ctrl-C, or cut off, the same command goes on where it was: the relay
knows the file by its content, for a day under the management key, and for 30
under another. What comes from standard input is always new.

Examples:
  stasis-relay append pbx-1 stasis.ndjson.gz
  echo '{"type":"ChannelCreated"}' | stasis-relay append pbx-1 -`,
    )
    .action(runs(append));
}

async function append(run: Run, feed: string, path: string, { format, again }: Options): Promise<ExitCode> {
  const file = await readEventFile(path, format);
  if (file.events.length === 0)
    throw new CliError(
      "file.empty",
      `${path}: has no event to append${file.refused.map((why) => `\n  ${why}`).join("")}`,
    );
  const client = await run.connect();
  using stop = interruption();
  const isNew = again || path === "-";
  const appended = await withProgress(file.events.length, (progress) =>
    appendBatches({
      client,
      feed,
      producer: isNew ? `append-${randomUUID()}` : `append-${file.digest}`,
      format: file.format,
      events: file.events,
      signal: stop.signal,
      onProgress: (done) => progress.show(done),
      onTrouble: (error) => run.note(paintError("yellow", `${briefly(error)}; trying again`)),
    }),
  );
  const total = file.events.length;
  const refused = [
    ...file.refused,
    ...appended.refused.map(({ index, error }) => `event ${index + 1}: ${error}`),
  ];
  const accepted = appended.done - appended.duplicates - appended.refused.length;
  const { first, last, duplicates, done } = appended;
  await run.answer(
    {
      feed,
      events: total,
      accepted,
      duplicates,
      refused,
      skipped: file.skipped,
      first,
      last,
      done: done === total,
    },
    () => lines(run, { feed, path, file, appended, accepted, refused }),
  );
  if (done < total) return EXIT.interrupted;
  return refused.length > 0 ? EXIT.failed : EXIT.done;
}

async function withProgress<T>(total: number, work: (progress: Progress) => Promise<T>): Promise<T> {
  using progress = new Progress(total, "events");
  return await work(progress);
}

function lines(
  run: Run,
  {
    feed,
    path,
    file,
    appended,
    accepted,
    refused,
  }: {
    readonly feed: string;
    readonly path: string;
    readonly file: EventFile;
    readonly appended: Appended;
    readonly accepted: number;
    readonly refused: readonly string[];
  },
): string[] {
  const { done, duplicates, first, last } = appended;
  for (const why of refused.slice(0, SHOWN_REFUSALS)) run.note(plain(`refused: ${why}`));
  if (refused.length > SHOWN_REFUSALS) run.note(`… and ${refused.length - SHOWN_REFUSALS} more`);
  const numbers =
    first !== null && last !== null && accepted > 0 && duplicates === 0 ? `, as ${first} to ${last}` : "";
  return [
    `${counted(accepted, "event")} appended to ${feed}${numbers}.`,
    ...(duplicates > 0
      ? [
          `${counted(duplicates, "event")} had been appended before${accepted === 0 ? "; --again appends the file once more" : ""}.`,
        ]
      : []),
    ...(file.skipped > 0
      ? [`${counted(file.skipped, "block")} left out: greetings, responses and what belongs to them.`]
      : []),
    ...(done < file.events.length
      ? [
          path === "-"
            ? `Stopped after ${done} of ${file.events.length} events.`
            : `Stopped after ${done} of ${file.events.length} events; the same command goes on there.`,
        ]
      : []),
  ];
}
