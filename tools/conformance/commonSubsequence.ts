import { diffArrays } from "diff";

/** Runs with more differences than this are not matched, because time and memory grow with the square of the number. */
const MAX_DIFFERENCES = 4000;

/**
 * Index pairs of the longest common subsequence of two runs. Time depends on the lengths and the number of differences,
 * not on the product of the lengths: a device may have 100,000 messages.
 */
export function commonSubsequence(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  // An entry missing on the other side cannot match. It would only count as a difference.
  const [inA, inB] = [new Set(a), new Set(b)];
  const as = [...a.entries()].filter(([, entry]) => inB.has(entry));
  const bs = [...b.entries()].filter(([, entry]) => inA.has(entry));
  const changes = diffArrays(
    as.map(([, entry]) => entry),
    bs.map(([, entry]) => entry),
    { maxEditLength: MAX_DIFFERENCES },
  );
  const pairs: (readonly [number, number])[] = [];
  let [x, y] = [0, 0];
  for (const { added, removed, count } of changes ?? []) {
    if (!added && !removed)
      for (let at = 0; at < count; at += 1) pairs.push([as[x + at]?.[0] ?? -1, bs[y + at]?.[0] ?? -1]);
    if (!added) x += count;
    if (!removed) y += count;
  }
  return pairs;
}
