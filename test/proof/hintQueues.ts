export type HintQueue = "notify" | "wake" | "slow";

export interface HintMessage {
  readonly id: string;
  readonly body: string;
  readonly visibleAtEpochMillis: number;
}

/**
 * The hint queues on a clock that a test moves. The embedded SQS counts delays and visibility timeouts in real time. Here
 * the test's clock decides when a message becomes visible.
 */
export class HintQueues {
  readonly #messages: Record<HintQueue, HintMessage[]> = { notify: [], wake: [], slow: [] };
  #sent = 0;

  /** Returns the message's id. */
  send(queue: HintQueue, body: string, visibleAtEpochMillis: number): string {
    this.#sent += 1;
    const id = `message-${this.#sent}`;
    this.put(queue, { id, body, visibleAtEpochMillis });
    return id;
  }

  /** Adds a copy, so that a message put twice is two messages. */
  put(queue: HintQueue, message: HintMessage): void {
    this.#messages[queue].push({ ...message });
  }

  visible(queue: HintQueue, nowEpochMillis: number): HintMessage[] {
    return this.#messages[queue].filter(({ visibleAtEpochMillis }) => visibleAtEpochMillis <= nowEpochMillis);
  }

  take(queue: HintQueue, messages: readonly HintMessage[]): void {
    this.#messages[queue] = this.#messages[queue].filter((message) => !messages.includes(message));
  }

  /** When the next message becomes visible. */
  nextVisibleAtEpochMillis(): number | undefined {
    const times = Object.values(this.#messages).flatMap((messages) =>
      messages.map(({ visibleAtEpochMillis }) => visibleAtEpochMillis),
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
