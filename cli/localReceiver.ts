import type { Message, MessageFormat, WebhookRequest } from "../client/types.ts";
import { type Delivery, deliver } from "./forward.ts";
import { pauseUnless } from "./interruption.ts";
import { paint } from "./output/paint.ts";
import { jsonLine, plain } from "./output/plain.ts";
import type { Run } from "./run.ts";

export interface LocalReceiverOptions {
  readonly url: string;
  readonly secret: string;
  readonly feed: string;
  readonly session: string;
  readonly signal: AbortSignal;
}

type Batch = Pick<WebhookRequest, "first" | "last" | "messages">;

const FIRST_RETRY_MILLIS = 1_000;
const LAST_RETRY_MILLIS = 15_000;

/** The developer's endpoint. Each request is sent until it is accepted. */
export class LocalReceiver {
  readonly #run: Run;
  readonly #options: LocalReceiverOptions;
  #previous = 0;

  constructor(run: Run, options: LocalReceiverOptions) {
    this.#run = run;
    this.#options = options;
  }

  /** @returns whether it was accepted; false when it was stopped before */
  async send(messages: readonly Message[]): Promise<boolean> {
    const first = messages[0]?.sequence;
    const last = messages.at(-1)?.sequence;
    if (first === undefined || last === undefined) return true;
    return this.#sendUntilAccepted({ first, last, messages });
  }

  /** As the relay reports a gap: one message, numbered as the gap's last. */
  async sendGap({ first, last }: { first: number; last: number }, format: MessageFormat): Promise<boolean> {
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
    return this.#sendUntilAccepted({
      first,
      last,
      messages: [
        format === "ami"
          ? { ...message, text, fields }
          : { ...message, event: { type: "RelayGap", timestamp, ...facts } },
      ],
    });
  }

  async #sendUntilAccepted(batch: Batch): Promise<boolean> {
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
      if (signal.aborted && !delivery.isAccepted) return false;
      await this.#show(batch, delivery);
      if (delivery.isAccepted) {
        this.#previous = batch.last;
        return true;
      }
      await pauseUnless(
        Math.min(LAST_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** Math.min(failures, 10)),
        signal,
      );
    }
    return false;
  }

  async #show(batch: Batch, delivery: Delivery): Promise<void> {
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
