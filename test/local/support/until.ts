import { setTimeout as pause } from "node:timers/promises";

/** Resolves as soon as the condition holds. Throws if it does not hold in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  description: string,
  deadlineMillis = 10_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMillis;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not in ${deadlineMillis} ms: ${description}`);
    await pause(5);
  }
}
