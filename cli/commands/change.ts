import { type Command, Option } from "commander";
import type { SessionChange } from "../../client/types.ts";
import { CliError } from "../cliError.ts";
import { type FilterOptions, filterOf, filterText, withFilterOptions } from "../filterOptions.ts";
import { factLines } from "../output/facts.ts";
import { plain } from "../output/plain.ts";
import { type Run, runs } from "../run.ts";
import { findSession, SESSION_HELP } from "../sessionId.ts";
import { numberOption } from "../terminal/numberOption.ts";

interface Options extends FilterOptions {
  readonly url?: string;
  readonly maxBatch?: number;
  /** false with --no-filter. */
  readonly filter: boolean;
  readonly resume?: boolean;
  readonly multipleLogin?: "refuse" | "take-over";
  readonly sequenceHeader?: boolean;
}

export function define(command: Command): void {
  withFilterOptions(
    command
      .description(
        "Changes a session's settings. What is not named stays as it is; a filter is replaced as a whole.",
      )
      .argument("<session>", SESSION_HELP),
  )
    .option("--no-filter", "everything")
    .optionsGroup("A webhook:")
    .option("--url <url>", "where the messages are posted to")
    .option(
      "--max-batch <number>",
      "the most messages in one request",
      numberOption({ atLeast: 1, isWhole: true }),
    )
    .optionsGroup("An AMI user:")
    .option("--resume", "a login goes on where the last connection was, beginning now")
    .option("--no-resume", "a login begins with the next event; the position is given up")
    .addOption(
      new Option("--multiple-login <policy>", "what a second login does").choices(["refuse", "take-over"]),
    )
    .option("--sequence-header", "every event has a RelaySequence header")
    .option("--no-sequence-header", "no event has it")
    .optionsGroup("Options:")
    .addHelpText(
      "after",
      `
Examples:
  stasis-relay change ses_3fa9 --url https://example.com/calls
  stasis-relay change ses_3fa9 --read call --event-filter '!Event: VarSet'`,
    )
    .action(runs(change));
}

async function change(run: Run, id: string, options: Options) {
  const client = await run.connect();
  const before = await findSession(client, id);
  const changed = await client.changeSession(
    before.id,
    before.kind === "ami" ? ofUser(options) : ofWebhook(options),
  );
  await run.answer(changed, () =>
    changed.kind === "webhook"
      ? factLines([
          ["session", changed.id],
          ["posts to", plain(changed.url)],
          ["gets", plain(filterText(changed.filter))],
          ["batches", `of at most ${changed.maxBatch} messages`],
        ])
      : factLines([
          ["session", changed.id],
          ["AMI user", plain(changed.username)],
          ["gets", plain(filterText({ read: changed.read, eventFilters: changed.eventFilters }))],
          ["login", changed.resume ? `goes on at ${changed.next}` : "begins with the next event"],
          ["second login", changed.multipleLogin],
        ]),
  );
}

function ofWebhook(options: Options): SessionChange {
  const filter = options.filter ? filterOf(options) : null;
  return something({
    ...(options.url !== undefined && { url: options.url }),
    ...(options.maxBatch !== undefined && { maxBatch: options.maxBatch }),
    ...(filter !== undefined && { filter }),
    // The relay says which of them a webhook does not have.
    ...loginChange(options),
  });
}

function ofUser(options: Options): SessionChange {
  const { type, event, url, maxBatch, read, eventFilter, filter } = options;
  if ([type, event, url, maxBatch].some((given) => given !== undefined))
    throw new CliError("arguments", "An AMI user has no --type, --event, --url and --max-batch.");
  return something({
    ...(filter ? {} : { read: "all", eventFilters: [] }),
    ...(read !== undefined && { read }),
    ...(eventFilter && { eventFilters: eventFilter }),
    ...loginChange(options),
  });
}

function loginChange({ resume, multipleLogin, sequenceHeader }: Options): SessionChange {
  return {
    ...(resume !== undefined && { resume }),
    ...(multipleLogin !== undefined && { multipleLogin }),
    ...(sequenceHeader !== undefined && { sequenceHeader }),
  };
}

function something(change: SessionChange): SessionChange {
  if (Object.keys(change).length > 0) return change;
  throw new CliError("arguments", "Name what to change: `stasis-relay change --help` has the options.");
}
