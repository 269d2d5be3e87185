/** Keeps what was made for a key, for the keys that were used last. */
export class RecentlyUsed<Value> {
  readonly #size: number;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Value>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string, make: () => Value): Value {
    const value = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, value);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size > this.#size && !oldest.done) this.#kept.delete(oldest.value);
    return value;
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }
}
