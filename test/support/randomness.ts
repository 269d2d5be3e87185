import { createHash } from "node:crypto";
import { seededRandom } from "../proof/scheduler.ts";

/**
 * A random number in [0, 1), determined by the seed, the name and how often that name was drawn before. Unlike a single
 * stream of numbers, it does not depend on other draws in between. So a run with a slightly different order still meets the
 * same faults.
 */
export function randomByName(seed: number): (name: string) => number {
  const times = new Map<string, number>();
  return (name) => {
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    const digest = createHash("sha256").update(`${seed} ${name} ${time}`).digest();
    return seededRandom(digest.readUInt32BE(0))();
  };
}
