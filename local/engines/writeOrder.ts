/** Lets writes to different items run side by side, and keeps those to one item in order. */
export class WriteOrder {
  /** The last write under way of each item. */
  readonly #lastOfItem = new Map<string, Promise<unknown>>();
  /** The last write of many items. */
  #lastOfMany: Promise<unknown> = Promise.resolve();

  /** @param item undefined for a write of many items: it waits for all others, and all later ones wait for it */
  after<T>(item: string | undefined, write: () => Promise<T>): Promise<T> {
    const earlier =
      item === undefined ? Promise.all([this.#lastOfMany, ...this.#lastOfItem.values()]) : this.#before(item);
    const written = earlier.then(write);
    const settled = written.catch(() => {});
    if (item === undefined) this.#lastOfMany = settled;
    else this.#keep(item, settled);
    return written;
  }

  #before(item: string): Promise<unknown> {
    return Promise.all([this.#lastOfMany, this.#lastOfItem.get(item)]);
  }

  #keep(item: string, settled: Promise<unknown>): void {
    this.#lastOfItem.set(item, settled);
    void settled.then(() => {
      if (this.#lastOfItem.get(item) === settled) this.#lastOfItem.delete(item);
    });
  }
}
