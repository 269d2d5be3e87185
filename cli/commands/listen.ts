import { randomBytes } from "node:crypto";
import { type Command, Option } from "commander";
import type { Message, MessageFormat, Position, WebhookRequest } from "../../client/types.ts";
import { EXIT, type ExitCode } from "../exitCodes.ts";
import { briefly } from "../failure.ts";
import { follow } from "../follow.ts";
import { type Delivery, deliver } from "../forward.ts";
import { interruption, pauseUnless } from "../interruption.ts";
import { address, feedName, names, place } from "../options.ts";
import { messageLine } from "../output/messageLine.ts";
import { columnsOfOutput, paint, paintError } from "../output/paint.ts";
import { jsonLine, plain } from "../output/plain.ts";
import { PLACES } from "../place.ts";
import { type Run, runs } from "../run.ts";
import { sayGap } from "../sayGap.ts";
import { readSecret } from "../secret.ts";
import { httpUrl } from "../target.ts";
import { numberOption } from "../terminal/numberOption.ts";

const DEFAULT_BATCH = 100;

interface Options {
  readonly forward?: string;
  readonly secretFile?: string;
  readonly from: Position;
  readonly format: MessageFormat;
  readonly type?: readonly string[];
  readonly maxBatch: number;
}

export function define(command: Command): void {
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
    )
    .addOption(new Option("--from <place>", PLACES).argParser(place).default("tail"))
    .addOption(
      new Option("--format <format>", "as events, or as AMI messages")
        .choices(["stasis", "ami"])
        .default("stasis"),
    )
    .option(
      "--type <names>",
      "only messages of these types or AMI events, with commas; may be repeated",
      names,
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
      : new Receiver(run, { url: forward, secret, feed, session, signal: stop.signal });
  const wanted = type && new Set(type.map((name) => name.toLowerCase()));
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
    const messages = page.messages.filter((message) => wanted?.has(message.type.toLowerCase()) ?? true);
    for (let index = 0; index < messages.length && !stop.signal.aborted; index += maxBatch) {
      const batch = messages.slice(index, index + maxBatch);
      if (receiver === undefined) for (const message of batch) await show(run, message);
      else await receiver.send(batch);
      if (!stop.signal.aborted) next = (batch.at(-1)?.sequence ?? next) + 1;
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

interface ReceiverOptions {
  readonly url: string;
  readonly secret: string;
  readonly feed: string;
  readonly session: string;
  readonly signal: AbortSignal;
}

const FIRST_RETRY_MILLIS = 1_000;
const LAST_RETRY_MILLIS = 15_000;

/** The developer's endpoint. Each request is sent until it is accepted. */
class Receiver {
  readonly #run: Run;
  readonly #options: ReceiverOptions;
  #previous = 0;

  constructor(run: Run, options: ReceiverOptions) {
    this.#run = run;
    this.#options = options;
  }

  async send(messages: readonly Message[]): Promise<void> {
    const first = messages[0]?.sequence;
    const last = messages.at(-1)?.sequence;
    if (first !== undefined && last !== undefined) await this.#sendUntilAccepted({ first, last, messages });
  }

  /** As the relay reports a gap: one message, numbered as the gap's last. */
  async sendGap({ first, last }: { first: number; last: number }, format: MessageFormat): Promise<void> {
    const timestamp = new Date().toISOString();
    const facts = { reason: "retention", first, last };
    const text = `Event: RelayGap\r\nPrivilege: system,all\r\nReason: retention\r\nFirst: ${first}\r\nLast: ${last}\r\n\r\n`;
    const fields = {
      Event: "RelayGap",
      Privilege: "system,all",
      Reason: "retention",
      First: String(first),
      Last: String(last),
    };
    const message = { sequence: last, type: "RelayGap", timestamp };
    await this.#sendUntilAccepted({
      first,
      last,
      messages: [
        format === "ami"
          ? { ...message, text, fields }
          : { ...message, event: { type: "RelayGap", timestamp, ...facts } },
      ],
    });
  }

  async #sendUntilAccepted(batch: Pick<WebhookRequest, "first" | "last" | "messages">): Promise<void> {
    const { url, secret, feed, session, signal } = this.#options;
    const previous = this.#previous === 0 ? batch.first - 1 : this.#previous;
    const body = JSON.stringify({
      feed,
      session,
      epoch: 1,
      first: batch.first,
      last: batch.last,
      previous,
      messages: batch.messages,
    } satisfies WebhookRequest);
    const id = `${session}.${batch.first}-${batch.last}`;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const delivery = await deliver({ url, secret, id, body, signal, nowEpochMillis: Date.now() });
      if (signal.aborted && !delivery.isAccepted) return;
      await this.#show(batch, delivery);
      if (delivery.isAccepted) {
        this.#previous = batch.last;
        return;
      }
      await pauseUnless(
        Math.min(LAST_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** Math.min(failures, 10)),
        signal,
      );
    }
  }

  async #show(batch: Pick<WebhookRequest, "first" | "last" | "messages">, delivery: Delivery): Promise<void> {
    const { first, last, messages } = batch;
    if (this.#run.json)
      return this.#run.print(jsonLine({ first, last, messages: messages.length, ...delivery }));
    const numbers = first === last ? `${first}` : `${first}-${last} (${messages.length})`;
    const types = [...new Set(messages.map((message) => message.type))].slice(0, 3).join(", ");
    const answer = delivery.isAccepted
      ? paint("green", delivery.answer)
      : `${paint("red", delivery.answer)}; trying again`;
    await this.#run.print(
      `${numbers.padEnd(16)}  ${plain(types)}  → ${answer}  ${delivery.durationMillis} ms`,
    );
  }
}
