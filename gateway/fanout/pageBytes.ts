import { LRUCache } from "lru-cache";
import { FilterBusyError } from "../../shared/errors.ts";
import type { Page } from "../../shared/queue/page.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { JudgedView, View } from "./view.ts";
import { judgedBytes, type Slice, viewBytes } from "./viewBytes.ts";

const CACHE_BYTES = 16 * 1024 * 1024;

/** Filters that must wait for their share of the process are tried again after this. */
const BUSY_MILLIS = 1_000;

/** The bytes of pages that readers behind the tail get. Those of one view share them, also while they are being made. */
export class PageBytes {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #stopping: AbortSignal;
  readonly #rendered = new LRUCache<string, readonly Slice[]>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (slices) => 256 + slices.reduce((sum, { bytes }) => sum + bytes.length, 0),
  });
  readonly #judging = new Map<string, Promise<readonly Slice[]>>();

  /** @param stopping ends the waiting for busy filters */
  constructor(clock: Pick<Clock, "sleep">, stopping: AbortSignal) {
    this.#clock = clock;
    this.#stopping = stopping;
  }

  /**
   * @param next messages of the page below it are left out
   * @throws FilterCostError when the view's filters take too much time
   */
  async of(page: Page, next: Sequence, view: View): Promise<readonly Slice[]> {
    const key = `${page.first} ${view.key}`;
    const isWhole = next <= page.first;
    const known = isWhole ? this.#rendered.get(key) : undefined;
    if (known !== undefined) return known;
    const slices =
      view.kind === "plain" ? viewBytes([page], next, view) : await this.#judged(page, next, view);
    if (isWhole) this.#rendered.set(key, slices);
    return slices;
  }

  /** One judgement for all readers that stand at the same place with the same filters. */
  async #judged(page: Page, next: Sequence, view: JudgedView): Promise<readonly Slice[]> {
    const key = `${page.first} ${next} ${view.key}`;
    const running = this.#judging.get(key) ?? this.#untilNotBusy(() => judgedBytes([page], next, view));
    this.#judging.set(key, running);
    try {
      return await running;
    } finally {
      this.#judging.delete(key);
    }
  }

  async #untilNotBusy<T>(judge: () => Promise<T>): Promise<T> {
    for (;;)
      try {
        return await judge();
      } catch (error) {
        if (!(error instanceof FilterBusyError) || this.#stopping.aborted) throw error;
        await this.#clock.sleep(BUSY_MILLIS, this.#stopping);
      }
  }
}
