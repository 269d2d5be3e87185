import { expect, it } from "vitest";
import { WriteOrder } from "../../local/engines/writeOrder.ts";

/** Starts writes that end when told, and says which have begun. */
function harness() {
  const order = new WriteOrder();
  const begun: string[] = [];
  const start = (name: string, item: string | undefined) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const done = order.after(item, () => {
      begun.push(name);
      return promise;
    });
    return { end: resolve, fail: reject, done };
  };
  return { begun, start };
}

/** Until all that can begin has begun. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

it("writes to different items run side by side, those to one item one after another", async () => {
  const { begun, start } = harness();
  const first = start("first of a", "a");
  start("second of a", "a");
  start("first of b", "b");
  await settle();
  expect(begun).toEqual(["first of a", "first of b"]);
  first.end();
  await settle();
  expect(begun).toEqual(["first of a", "first of b", "second of a"]);
});

it("a write of many items waits for all others, and later ones wait for it", async () => {
  const { begun, start } = harness();
  const a = start("a", "a");
  const many = start("many", undefined);
  start("b", "b");
  await settle();
  expect(begun).toEqual(["a"]);
  a.end();
  await settle();
  expect(begun).toEqual(["a", "many"]);
  many.end();
  await settle();
  expect(begun).toEqual(["a", "many", "b"]);
});

it("a write that fails lets the next one begin, and its caller knows", async () => {
  const { begun, start } = harness();
  const failing = start("fails", "a");
  start("next", "a");
  await settle();
  failing.fail(new Error("refused"));
  await expect(failing.done).rejects.toThrow("refused");
  await settle();
  expect(begun).toEqual(["fails", "next"]);
});
