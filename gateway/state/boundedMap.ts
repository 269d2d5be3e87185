/** A map that drops its oldest entry when it is full. A changed entry keeps its place. */
export class BoundedMap<T> extends Map<string, T> {
  readonly #most: number;

  constructor(most: number) {
    super();
    this.#most = most;
  }

  override set(key: string, value: T): this {
    // The base class calls this for initial entries, of which there are none.
    super.set(key, value);
    const oldest = this.size > this.#most ? this.keys().next() : undefined;
    if (oldest !== undefined && !oldest.done) this.delete(oldest.value);
    return this;
  }
}
