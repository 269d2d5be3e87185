import fc from "fast-check";
import { expect, it } from "vitest";
import { commonSubsequence } from "../../tools/conformance/commonSubsequence.ts";

/** The length by the textbook algorithm: a table over both runs. */
function longest(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const above = row;
    row = [0];
    for (const [index, y] of b.entries())
      row.push(x === y ? (above[index] ?? 0) + 1 : Math.max(above[index + 1] ?? 0, row[index] ?? 0));
  }
  return row.at(-1) ?? 0;
}

it("the common subsequence rises on both sides, pairs equal entries, and is as long as possible", () => {
  const run = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 14 });
  fc.assert(
    fc.property(
      run,
      fc.oneof(
        run,
        run.map((each) => ["x", ...each]),
      ),
      (a, b) => {
        const pairs = commonSubsequence(a, b);
        expect(pairs).toHaveLength(longest(a, b));
        pairs.forEach(([x, y], index) => {
          expect(a[x]).toBe(b[y]);
          expect(x).toBeGreaterThan(pairs[index - 1]?.[0] ?? -1);
          expect(y).toBeGreaterThan(pairs[index - 1]?.[1] ?? -1);
        });
      },
    ),
    { numRuns: 2000 },
  );
});
