import { monitorEventLoopDelay } from "node:perf_hooks";

/** How often the event loop is asked to be in time. */
const TIMER_MILLIS = 20;
/** An old delay is forgotten after one to two of these. */
const PERIOD_MILLIS = 60_000;

export const QUANTILES = [0.5, 0.99, 1] as const;

export type LoopDelays = ReadonlyMap<(typeof QUANTILES)[number], number>;

/** How late the event loop was for its timers. A late loop reads its PBXs late. */
export class LoopDelay implements Disposable {
  /** Both record all the time. The older one answers, so that an answer never rests on a moment only. */
  #older = started();
  #newer = started();
  readonly #timer = setInterval(() => {
    this.#older.disable();
    this.#older = this.#newer;
    this.#newer = started();
  }, PERIOD_MILLIS).unref();

  /** The delays in seconds, in the last one to two minutes, by quantile; 1 is the longest. */
  seconds(): LoopDelays {
    return new Map(QUANTILES.map((quantile) => [quantile, this.#secondsAt(quantile)]));
  }

  /** The histogram has the nanoseconds between two timers, not their delay. */
  #secondsAt(quantile: number): number {
    return Math.max(0, this.#older.percentile(100 * quantile) / 1e6 - TIMER_MILLIS) / 1000;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#older.disable();
    this.#newer.disable();
  }
}

function started(): ReturnType<typeof monitorEventLoopDelay> {
  const histogram = monitorEventLoopDelay({ resolution: TIMER_MILLIS });
  histogram.enable();
  return histogram;
}
