/** Lends a bounded number of items. When all are lent, callers wait in order of arrival. */
export interface Lender<Item> {
  /** Returns the most recently used free item; undefined when `signal` aborts first. Never rejects. */
  take(signal: AbortSignal): Promise<Item | undefined>;
  give(item: Item): void;
  /** No item is lent. */
  readonly isIdle: boolean;
  /** Every item ever created. */
  readonly items: readonly Item[];
}

/** @param create creates an item when one is needed, at most `limit` times. */
export function createLender<Item>(limit: number, create: () => Item): Lender<Item> {
  const items: Item[] = [];
  const free: Item[] = [];
  const waiting = new Set<(item: Item) => void>();

  return {
    items,
    get isIdle() {
      return free.length === items.length;
    },
    async take(signal) {
      if (signal.aborted) return undefined;
      const back = free.pop();
      if (back !== undefined) return back;
      if (items.length < limit) {
        const made = create();
        items.push(made);
        return made;
      }
      const { promise, resolve } = Promise.withResolvers<Item | undefined>();
      const onGranted = (item: Item) => {
        signal.removeEventListener("abort", onAbort);
        resolve(item);
      };
      const onAbort = () => {
        waiting.delete(onGranted);
        resolve(undefined);
      };
      waiting.add(onGranted);
      signal.addEventListener("abort", onAbort, { once: true });
      return promise;
    },
    give(item) {
      const [next] = waiting;
      if (next === undefined) {
        free.push(item);
        return;
      }
      waiting.delete(next);
      next(item);
    },
  };
}
