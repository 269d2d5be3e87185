export type HintQueue = "notify" | "wake" | "slow";

export interface HintMessage {
  readonly id: string;
  readonly body: string;
  readonly visibleAtEpochMillis: number;
}

/**
 * The hint queues under a clock that a test moves. The embedded SQS counts delays and visibility in real time; here a
 * message becomes visible, for the first time or again, when the test's clock says so.
 */
export class HintQueues {
  readonly #messages: Record<HintQueue, HintMessage[]> = { notify: [], wake: [], slow: [] };
  #sent = 0;

  /** Returns the id of the message. */
  send(queue: HintQueue, body: string, visibleAtEpochMillis: number): string {
    this.#sent += 1;
    const id = `message-${this.#sent}`;
    this.put(queue, { id, body, visibleAtEpochMillis });
    return id;
  }

  /** A copy, so that a message that is put twice is there twice. */
  put(queue: HintQueue, message: HintMessage): void {
    this.#messages[queue].push({ ...message });
  }

  visible(queue: HintQueue, nowEpochMillis: number): HintMessage[] {
    return this.#messages[queue].filter(({ visibleAtEpochMillis }) => visibleAtEpochMillis <= nowEpochMillis);
  }

  take(queue: HintQueue, messages: readonly HintMessage[]): void {
    this.#messages[queue] = this.#messages[queue].filter((message) => !messages.includes(message));
  }

  /** When the next message that is under way becomes visible. */
  nextVisibleAtEpochMillis(): number | undefined {
    const times = Object.values(this.#messages).flatMap((messages) =>
      messages.map(({ visibleAtEpochMillis }) => visibleAtEpochMillis),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
