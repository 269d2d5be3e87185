/** A failure that nobody has met again for this long may be over. */
const REMEMBERED_MILLIS = 10_000;

/** The last failures of an engine, of reads and of writes: a full disk fails the one and not the other. */
export class RecentFailures {
  readonly #last = new Map<"read" | "write", { readonly reason: string; readonly atMillis: number }>();

  failed(writes: boolean, reason: string): void {
    this.#last.set(kindOf(writes), { reason, atMillis: performance.now() });
  }

  succeeded(writes: boolean): void {
    this.#last.delete(kindOf(writes));
  }

  current(): string | undefined {
    for (const { reason, atMillis } of this.#last.values())
      if (performance.now() - atMillis < REMEMBERED_MILLIS) return reason;
    return undefined;
  }
}

function kindOf(writes: boolean): "read" | "write" {
  return writes ? "write" : "read";
}
