/** Student's t for a range that holds 9 times in 10, by degrees of freedom from 1. */
const STUDENT_T = [6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81, 1.8, 1.78, 1.77, 1.76, 1.75];
const NORMAL = 1.65;

/**
 * How much larger the first of two things is that were measured together several times: the geometric mean of the pairs'
 * ratios, and the range in which the true one lies 9 times in 10. One pair says nothing about that range: it is NaN.
 */
export function pairedRatio(
  measured: readonly number[],
  base: readonly number[],
): { mean: number; low: number; high: number } {
  const logs = measured.map((value, index) => Math.log(value / (base[index] ?? Number.NaN)));
  const mean = sum(logs) / logs.length;
  const degrees = logs.length - 1;
  const variance = sum(logs.map((log) => (log - mean) ** 2)) / degrees;
  const half = (STUDENT_T[degrees - 1] ?? NORMAL) * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
