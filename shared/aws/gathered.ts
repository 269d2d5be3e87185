import { nextTick } from "node:process";

/**
 * Makes one call of what is asked for within one turn of the event loop: 32 sessions of a group that are served together need
 * one request in place of 32.
 * @param most the most items of one call
 * @param performAll resolves with one result for each item, in order
 */
export function gathered<Item, Result>(
  most: number,
  performAll: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  interface Waiting {
    readonly item: Item;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  let waiting: Waiting[] = [];

  const take = () => {
    const taken = waiting;
    waiting = [];
    return taken;
  };
  const perform = async (now: readonly Waiting[]): Promise<void> => {
    try {
      const results = await performAll(now.map(({ item }) => item));
      for (const [index, result] of results.entries()) now[index]?.resolve(result);
      for (const { reject } of now.slice(results.length))
        reject(new RangeError("a call of several items has no result for one of them"));
    } catch (error) {
      // One item that fails must not fail those of others.
      if (now.length > 1) await Promise.all(now.map((each) => perform([each])));
      else for (const { reject } of now) reject(error);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === most) void perform(take());
      else if (waiting.length === 1)
        // Runs once all promises that are resolved by now have been followed.
        nextTick(() => {
          if (waiting.length > 0) void perform(take());
        });
    });
}
