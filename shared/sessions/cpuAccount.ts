import { FilterBusyError, FilterCostError } from "../errors.ts";

/** CPU time that every filter may take: a process that has just started is slow. */
const FREE_MILLIS = 200;

/** A filter that has taken more than this, and too much for its text, takes it from the share of the slow ones. */
const ORDINARY_MILLIS = 20;

/** Ordinary filters need a tenth of this. */
const MILLIS_PER_CHARACTER = 0.5 / 1024;

/** What the filter of a feed's sessions has cost. One that takes the process away from its other sessions is stopped. */
export class CpuAccount {
  #spentMillis = 0;
  #characters = 0;

  add(millis: number, characters: number): void {
    this.#spentMillis += millis;
    this.#characters += characters;
  }

  /** Whether the filter takes much time for its text. */
  get isSlow(): boolean {
    return this.#exceeds(ORDINARY_MILLIS);
  }

  /** @throws FilterCostError */
  refuseOverdrawn(): void {
    if (this.#exceeds(FREE_MILLIS))
      throw new FilterCostError(
        `${Math.round(this.#spentMillis)} ms for ${this.#characters} characters of AMI text; at most 0.5 ms for 1,024 characters`,
      );
  }

  busy(): FilterBusyError {
    return new FilterBusyError({ spentMillis: Math.round(this.#spentMillis), characters: this.#characters });
  }

  #exceeds(freeMillis: number): boolean {
    return this.#spentMillis > Math.max(freeMillis, this.#characters * MILLIS_PER_CHARACTER);
  }
}
