import { type ChainLink, type ChainState, checkLink } from "../../client/index.ts";

/** A webhook request, as far as the check looks at it. */
interface Request extends ChainLink {
  readonly messages: readonly { readonly sequence: number; readonly event?: unknown }[];
}

/** What became of the events that one session should have got. */
export interface DeliveryReport {
  /** Recorded events that the relay accepted. */
  readonly expected: number;
  /** Those of them that came. */
  readonly delivered: number;
  /** Those that never came. */
  readonly lost: number;
  /** Messages that came again under another webhook-id. */
  readonly doubled: number;
  /** Messages that came after a later one, and requests that do not follow on the one before. */
  readonly outOfOrder: number;
  /** Events whose JSON is not, byte for byte, what was recorded. */
  readonly altered: number;
  /** Requests repeated with the same webhook-id, as "at least once" allows. */
  readonly redeliveries: number;
  /** Requests whose signature does not fit. */
  readonly badSignatures: number;
}

/** Requests are only repeated soon, so older ids need not be kept. */
const KEPT_IDS = 1_000;

/**
 * Holds what a session receives against what was put into the feed. It counts numbers and compares events itself, so that
 * it would notice a loss that the chain of the requests does not show. The two arrive in any order: a message can be
 * delivered before the producer has read its answer. Messages of others in the same feed only have to be in order.
 */
export class DeliveryCheck {
  /** Recorded lines not yet received, and received events not yet known to be recorded, by sequence number. */
  readonly #awaited = new Map<number, string>();
  readonly #unmatched = new Map<number, string>();
  /** Numbers below the highest that have not come. */
  readonly #skipped = new Set<number>();
  readonly #ids = new Set<string>();
  #highest: number;
  #chain: ChainState;
  #expected = 0;
  #delivered = 0;
  #doubled = 0;
  #outOfOrder = 0;
  #altered = 0;
  #redeliveries = 0;
  #badSignatures = 0;

  /** @param next the first number that the session should get. */
  constructor(next: number) {
    this.#highest = next - 1;
    this.#chain = { last: next - 1, epoch: 0 };
  }

  /** The relay accepted this recorded line under this number. */
  expect(sequence: number, line: string): void {
    this.#expected++;
    const received = this.#unmatched.get(sequence);
    this.#unmatched.delete(sequence);
    if (received === undefined) this.#awaited.set(sequence, line);
    else this.#match(line, received);
  }

  badSignature(): void {
    this.#badSignatures++;
  }

  /** A request with a good signature came. */
  receive(id: string, request: Request): void {
    if (this.#ids.has(id)) {
      this.#redeliveries++;
      return;
    }
    this.#remember(id);
    const { kind, state } = checkLink(this.#chain, request);
    if (kind !== "next") this.#outOfOrder++;
    this.#chain = state;
    for (const { sequence, event } of request.messages) this.#receiveMessage(sequence, JSON.stringify(event));
  }

  isComplete(): boolean {
    return this.#awaited.size === 0;
  }

  report(): DeliveryReport {
    return {
      expected: this.#expected,
      delivered: this.#delivered,
      lost: this.#awaited.size,
      doubled: this.#doubled,
      outOfOrder: this.#outOfOrder,
      altered: this.#altered,
      redeliveries: this.#redeliveries,
      badSignatures: this.#badSignatures,
    };
  }

  #receiveMessage(sequence: number, event: string): void {
    if (sequence > this.#highest) {
      for (let number = this.#highest + 1; number < sequence; number++) this.#skipped.add(number);
      this.#highest = sequence;
    } else if (this.#skipped.delete(sequence)) {
      this.#outOfOrder++;
    } else {
      this.#doubled++;
      return;
    }
    const line = this.#awaited.get(sequence);
    this.#awaited.delete(sequence);
    if (line === undefined) this.#unmatched.set(sequence, event);
    else this.#match(line, event);
  }

  #match(line: string, event: string): void {
    this.#delivered++;
    if (line !== event) this.#altered++;
  }

  #remember(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > KEPT_IDS && oldest !== undefined) this.#ids.delete(oldest);
  }
}
