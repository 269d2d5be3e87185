import { expect, it } from "vitest";
import { gathered } from "../../../shared/aws/gathered.ts";

function doubling(most: number) {
  const calls: (readonly number[])[] = [];
  const double = gathered(most, async (items: readonly number[]) => {
    calls.push(items);
    if (items.includes(13)) throw new Error("an unlucky number");
    return items.map((item) => 2 * item);
  });
  return { calls, double };
}

it("makes one call of what is asked for at the same time, and answers each", async () => {
  const { calls, double } = doubling(10);
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(calls).toEqual([[1, 2, 3], [4]]);
});

it("makes a call as soon as it is full", async () => {
  const { calls, double } = doubling(2);
  expect(await Promise.all([1, 2, 3, 4, 5].map(double))).toEqual([2, 4, 6, 8, 10]);
  expect(calls).toEqual([[1, 2], [3, 4], [5]]);
});

it("asks for each alone when a call of several fails, so that it fails only for whom it concerns", async () => {
  const { calls, double } = doubling(2);
  const results = await Promise.allSettled([1, 13, 3].map(double));
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(calls.toSorted()).toEqual([[1], [1, 13], [13], [3]]);
});
