import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { RelayCallError } from "../../client/relayCallError.ts";
import type { RelayClient } from "../../client/relayClient.ts";
import type { CreatedSession, NewSession, Position } from "../../client/types.ts";
import { CliError } from "../cliError.ts";
import { EXIT } from "../exitCodes.ts";
import { briefly } from "../failure.ts";
import { type FilterOptions, filterOf, filterText, withFilterOptions } from "../filterOptions.ts";
import { pauseUnless } from "../interruption.ts";
import { networkCodeOf } from "../networkCode.ts";
import { feedName, place } from "../options.ts";
import { attemptText } from "../output/attemptTable.ts";
import { factLines } from "../output/facts.ts";
import { plain } from "../output/plain.ts";
import { PLACES } from "../place.ts";
import { type Run, runs } from "../run.ts";
import { readKey } from "../target.ts";
import { numberOption } from "../terminal/numberOption.ts";

interface Options extends FilterOptions {
  readonly format?: "stasis" | "ami";
  readonly from?: Position;
  readonly maxBatch?: number;
  readonly test?: true;
  readonly amiUser?: string;
  readonly secretFile?: string;
  readonly resume?: true;
  readonly multipleLogin?: "refuse" | "take-over";
  readonly sequenceHeader?: true;
}

export function define(command: Command): void {
  withFilterOptions(
    command
      .description("Subscribes a webhook to a feed, or adds a user of the AMI gateway.")
      .argument("<feed>", "the feed; it may be new", feedName)
      .argument("[url]", "where the messages are posted to; not with --ami-user"),
  )
    .optionsGroup("A webhook:")
    .addOption(new Option("--format <format>", "each message as").choices(["stasis", "ami"]))
    .option("--from <place>", `where it begins, tail if absent: ${PLACES}`, place)
    .option(
      "--max-batch <number>",
      "the most messages in one request (100)",
      numberOption({ atLeast: 1, isWhole: true }),
    )
    .option("--test", "send a test message at once, and show what the endpoint answers")
    .optionsGroup("An AMI user:")
    .option("--ami-user <name>", "the name with which a client logs in")
    .option(
      "--secret-file <file>",
      "a file with the secret, - for standard input; the relay makes one if absent",
    )
    .option("--resume", "a login goes on where the last connection was")
    .addOption(
      new Option("--multiple-login <policy>", "what a second login does").choices(["refuse", "take-over"]),
    )
    .option("--sequence-header", "every event has a RelaySequence header")
    .optionsGroup("Options:")
    .addHelpText(
      "after",
      `
The secret signs every request, or logs in. It is shown this once:
\`stasis-relay rotate\` makes another. A lost answer makes no second session:
the same request is sent again under the same idempotency key.

Examples:
  stasis-relay subscribe pbx-1 https://example.com/calls --type Dial --test
  stasis-relay subscribe pbx-1 https://example.com/ami --format ami --read call
  stasis-relay subscribe pbx-1 --ami-user wallboard --resume`,
    )
    .action(runs(subscribe));
}

async function subscribe(run: Run, feed: string, url: string | undefined, options: Options) {
  const wanted = await wantedSession(feed, url, options);
  const client = await run.connect();
  const session = await createOnce(run, client, wanted);
  const attempt = options.test ? await client.testSession(session.id) : undefined;
  await run.answer(attempt === undefined ? session : { ...session, test: attempt }, () => [
    ...created(session),
    ...(attempt === undefined ? [] : ["", `Test message: ${attemptText(attempt, Date.now())}`]),
  ]);
  if (!run.json) run.note("Keep the secret: it is not shown again.");
  return attempt?.outcome === "failed" ? EXIT.failed : EXIT.done;
}

async function wantedSession(feed: string, url: string | undefined, options: Options): Promise<NewSession> {
  const { amiUser, format, from, maxBatch, read, eventFilter } = options;
  const filter = filterOf(options);
  if (amiUser === undefined) {
    refuse(options, "a webhook", ["secretFile", "resume", "multipleLogin", "sequenceHeader"]);
    if (url === undefined)
      throw new CliError(
        "arguments",
        "Name the URL that messages are posted to, or an AMI user: --ami-user NAME.",
      );
    return {
      feed,
      url,
      ...(format && { format }),
      ...(from !== undefined && { from }),
      ...(maxBatch !== undefined && { maxBatch }),
      ...(filter && { filter }),
    };
  }
  if (url !== undefined)
    throw new CliError("arguments", "An AMI user has no URL: leave it out, or --ami-user.");
  refuse(options, "an AMI user", ["format", "from", "maxBatch", "test", "type", "event"]);
  return {
    feed,
    kind: "ami",
    username: amiUser,
    ...(options.secretFile !== undefined && { secret: await readKey(options.secretFile) }),
    ...(read !== undefined && { read }),
    ...(eventFilter && { eventFilters: eventFilter }),
    ...(options.resume && { resume: true }),
    ...(options.multipleLogin && { multipleLogin: options.multipleLogin }),
    ...(options.sequenceHeader && { sequenceHeader: true }),
  };
}

function refuse(options: Options, what: string, foreign: readonly (keyof Options)[]): void {
  const found = foreign.find((name) => options[name] !== undefined);
  if (found === undefined) return;
  const flag = `--${found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new CliError(
    "arguments",
    `${what} has no ${flag}. \`stasis-relay subscribe --help\` has what it has.`,
  );
}

const MOST_TRIES = 5;

/** Without an answer nobody knows whether there is a session, and its secret would be lost. */
async function createOnce(run: Run, client: RelayClient, wanted: NewSession): Promise<CreatedSession> {
  const idempotencyKey = randomUUID();
  for (let tries = 1; ; tries += 1)
    try {
      return await client.createSession(wanted, { idempotencyKey });
    } catch (error) {
      const isWorthIt = error instanceof RelayCallError && error.retryable && tries < MOST_TRIES;
      // A relay that was never reached has made nothing.
      if (!isWorthIt || (tries === 1 && UNREACHED.has(networkCodeOf(error) ?? ""))) throw error;
      run.note(`${briefly(error)}; trying again`);
      await pauseUnless(error.retryAfterMillis ?? 500 * 2 ** tries, AbortSignal.timeout(30_000));
    }
}

/** Nobody has got the request. */
const UNREACHED = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

function created(session: CreatedSession): string[] {
  const next = session.next ?? undefined;
  if (session.kind === "ami")
    return factLines([
      ["session", session.id],
      ["AMI user", plain(session.username)],
      ["secret", session.secret],
      ["begins with", next],
    ]);
  return factLines([
    ["session", session.id],
    ["posts to", plain(session.url)],
    ["gets", plain(filterText(session.filter))],
    ["begins with", next],
    ["secret", session.secret],
  ]);
}
