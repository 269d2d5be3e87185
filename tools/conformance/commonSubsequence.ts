/** Beyond this many differences between two runs the rest is not searched: memory grows with their square. */
const MAX_DIFFERENCES = 4000;

/**
 * Index pairs of the longest common subsequence of two runs. Time grows with their length and the number of
 * differences, not with the product of the lengths: a device may have 100,000 messages.
 * (E. Myers, "An O(ND) difference algorithm and its variations", 1986.)
 */
export function commonSubsequence(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  // What one side does not have at all is no part of it, and would only count as differences.
  const [inA, inB] = [new Set(a), new Set(b)];
  const as = [...a.keys()].filter((index) => inB.has(a[index] ?? ""));
  const bs = [...b.keys()].filter((index) => inA.has(b[index] ?? ""));
  const isEqual = (x: number, y: number) => a[as[x] ?? -1] === b[bs[y] ?? -1];
  return matches(as.length, bs.length, isEqual).map(([x, y]) => [as[x] ?? -1, bs[y] ?? -1] as const);
}

type IsEqual = (x: number, y: number) => boolean;

/** Goes through both runs side by side: on the diagonal k = x - y, as far as each number of differences allows. */
function matches(width: number, height: number, isEqual: IsEqual): (readonly [number, number])[] {
  /** How far each diagonal was reached, by the number of differences. */
  const reached: Int32Array[] = [];
  for (let differences = 0; differences <= Math.min(width + height, MAX_DIFFERENCES); differences += 1) {
    const before = reached.at(-1);
    const now = new Int32Array(2 * differences + 1);
    for (let k = -differences; k <= differences; k += 2) {
      let x = startOn(k, differences, before);
      while (x < width && x - k < height && isEqual(x, x - k)) x += 1;
      now[k + differences] = x;
      if (x >= width && x - k >= height) return walkBack(x, x - k, [...reached, now]);
    }
    reached.push(now);
  }
  return [];
}

/** Where diagonal k is entered: by a step down from the one above, or to the right from the one below. */
function startOn(k: number, differences: number, before: Int32Array | undefined): number {
  if (before === undefined) return 0;
  const at = (diagonal: number) => before[diagonal + differences - 1] ?? -1;
  return isStepDown(k, differences, before) ? at(k + 1) : at(k - 1) + 1;
}

function isStepDown(k: number, differences: number, before: Int32Array): boolean {
  const at = (diagonal: number) => before[diagonal + differences - 1] ?? -1;
  return k === -differences || (k !== differences && at(k - 1) < at(k + 1));
}

function walkBack(endX: number, endY: number, reached: readonly Int32Array[]): (readonly [number, number])[] {
  const pairs: (readonly [number, number])[] = [];
  let [x, y] = [endX, endY];
  for (let differences = reached.length - 1; differences >= 0; differences -= 1) {
    const before = reached[differences - 1];
    const k = x - y;
    const start = startOn(k, differences, before);
    while (x > start) {
      x -= 1;
      y -= 1;
      pairs.push([x, y]);
    }
    if (before === undefined) break;
    if (isStepDown(k, differences, before)) y -= 1;
    else x -= 1;
  }
  return pairs.reverse();
}
