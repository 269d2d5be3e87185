import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition that is only visible from outside: calls `ask` until it returns a value. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  withinMillis = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMillis;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`not within ${withinMillis} ms: ${what}`);
    await pause(20);
  }
}
