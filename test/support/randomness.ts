import { createHash } from "node:crypto";
import { seededRandom } from "../proof/scheduler.ts";

/**
 * A random number in [0, 1) for the n-th time that something of this name happens under this seed. Unlike one stream of
 * numbers it does not depend on what else happens in between, so a run whose order is not quite the same again still meets the
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
