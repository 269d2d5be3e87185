/** How long a rate looks back. */
const WINDOW_MILLIS = 10_000;

/** What a sparkline shows. */
const KEPT_SAMPLES = 60;

interface Sample {
  readonly tail: number;
  readonly atEpochMillis: number;
}

/** How fast feeds grow: their tails over time, as this page saw them. */
export class Rates {
  readonly #samples = new Map<string, Sample[]>();

  note(feed: string, tail: number, atEpochMillis: number): void {
    const samples = this.#samples.get(feed) ?? [];
    if (samples.at(-1)?.atEpochMillis === atEpochMillis) return;
    samples.push({ tail, atEpochMillis });
    if (samples.length > KEPT_SAMPLES) samples.shift();
    this.#samples.set(feed, samples);
  }

  /** Messages per second over the last ten seconds; undefined before there are two samples. */
  perSecond(feed: string): number | undefined {
    const samples = this.#samples.get(feed) ?? [];
    const last = samples.at(-1);
    const first = samples.find((each) => last && last.atEpochMillis - each.atEpochMillis <= WINDOW_MILLIS);
    if (!first || !last || first === last) return undefined;
    return Math.max(0, ((last.tail - first.tail) * 1000) / (last.atEpochMillis - first.atEpochMillis));
  }

  /** Messages per second between each two samples. */
  series(feed: string): number[] {
    const samples = this.#samples.get(feed) ?? [];
    return samples.slice(1).map((each, index) => {
      const before = samples[index] ?? each;
      return (
        Math.max(0, (each.tail - before.tail) * 1000) / Math.max(1, each.atEpochMillis - before.atEpochMillis)
      );
    });
  }
}
