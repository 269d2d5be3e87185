import { LRUCache } from "lru-cache";

/** A misconfigured PBX retries every 500 ms (Asterisk has no backoff), so it is soon slowed to a few answers a minute. */
const MAX_FAILURES = 20;
const WINDOW_MILLIS = 60_000;
const MAX_CLIENTS = 10_000;

/** Counts wrong credentials by client, so that nobody can try many. */
export class FailureLimit {
  readonly #failures = new LRUCache<string, { count: number; since: number }>({
    max: MAX_CLIENTS,
  });
  readonly #now: () => number;

  /** @param now a monotonic clock in milliseconds: a wall clock that is set back would shut a PBX out until it is as late again */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the client has failed too often in the last minute. */
  isOver(client: string): boolean {
    const entry = this.#current(client);
    return entry !== undefined && entry.count >= MAX_FAILURES;
  }

  count(client: string): void {
    const entry = this.#current(client);
    if (entry === undefined) this.#failures.set(client, { count: 1, since: this.#now() });
    else entry.count += 1;
  }

  #current(client: string) {
    const entry = this.#failures.get(client);
    return entry !== undefined && this.#now() - entry.since < WINDOW_MILLIS ? entry : undefined;
  }
}
