import { median } from "./percentile.ts";

export interface Ratio {
  readonly median: number;
  /** The true median is between the two at least 9 times in 10; undefined when there are too few pairs to say so. */
  readonly range: readonly [low: number, high: number] | undefined;
}

/**
 * How much larger the first of two things is that were measured together several times: the median of the pairs' ratios.
 * A stall of the machine in one of them does not move it. Its range is that of the sign test, which assumes nothing
 * about how the ratios are distributed.
 */
export function pairedRatio(measured: readonly number[], base: readonly number[]): Ratio {
  const ratios = measured
    .map((value, index) => value / (base[index] ?? Number.NaN))
    .toSorted((a, b) => a - b);
  const outside = outsideOf(ratios.length);
  // Without any outside, there are no such two.
  const [low, high] = [ratios[outside - 1], ratios[ratios.length - outside]];
  return {
    median: median(ratios),
    range: low === undefined || high === undefined ? undefined : [low, high],
  };
}

/** The largest k so that the k-th value from below and from above hold the median between them 9 times in 10. */
function outsideOf(count: number): number {
  let outside = 0;
  // How likely it is that fewer than `outside` values lie below the median, and that exactly so many do.
  let fewer = 0;
  let exactly = 0.5 ** count;
  while (2 * (fewer + exactly) <= 0.1) {
    fewer += exactly;
    outside += 1;
    exactly *= (count - outside + 1) / outside;
  }
  return outside;
}
