import { readFile } from "node:fs/promises";

const MEGABYTE = 1024 * 1024;

/** Resident memory of a process; undefined after it has ended. */
async function residentBytes(processId: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${processId}/status`, "utf8").catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

export interface MemoryReport {
  readonly firstMegabytes: number;
  readonly lastMegabytes: number;
  readonly peakMegabytes: number;
  /** Peaks of the second and of the last quarter of the process's life. */
  readonly secondQuarterMegabytes: number;
  readonly lastQuarterMegabytes: number;
  /** Undefined if the life was too short to judge. */
  readonly isFlat: boolean | undefined;
}

/** Shorter lives are still warming up: code is compiled, caches are filled. */
const SHORTEST_LIFE_SAMPLES = 60;
/** Garbage varies by this much. A leak of one event in ten (600 bytes at 100 a second) is 20 MB in an hour. */
const ALLOWED_GROWTH = 1.1;
const ALLOWED_GROWTH_BYTES = 8 * MEGABYTE;

/** Memory of one process over its life, one sample per second. */
export class MemorySamples {
  readonly #samples: number[] = [];

  async sample(processId: number): Promise<void> {
    const bytes = await residentBytes(processId);
    if (bytes !== undefined) this.add(bytes);
  }

  add(bytes: number): void {
    this.#samples.push(bytes);
  }

  /**
   * Memory is flat if the last quarter's peak is at most a tenth and 8 MB above the second quarter's. The first quarter is
   * warm-up.
   */
  report(): MemoryReport {
    const count = this.#samples.length;
    const peak = (from: number, to: number) =>
      Math.max(0, ...this.#samples.slice(Math.floor(from * count), Math.ceil(to * count)));
    const [second, last] = [peak(0.25, 0.5), peak(0.75, 1)];
    return {
      firstMegabytes: rounded(this.#samples[0] ?? 0),
      lastMegabytes: rounded(this.#samples.at(-1) ?? 0),
      peakMegabytes: rounded(peak(0, 1)),
      secondQuarterMegabytes: rounded(second),
      lastQuarterMegabytes: rounded(last),
      isFlat:
        count < SHORTEST_LIFE_SAMPLES ? undefined : last <= second * ALLOWED_GROWTH + ALLOWED_GROWTH_BYTES,
    };
  }
}

function rounded(bytes: number): number {
  return Math.round(bytes / MEGABYTE);
}
