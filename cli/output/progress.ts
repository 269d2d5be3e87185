import { paintError } from "./paint.ts";
import { lengthText } from "./times.ts";

/** Without a terminal, a log would fill with what a bar shows. */
const LINE_EVERY_MILLIS = 5_000;
const BAR_EVERY_MILLIS = 100;
const BAR_COLUMNS = 24;

/** How far a long command is, on standard error: a bar on a terminal, a line now and then elsewhere. */
export class Progress implements Disposable {
  readonly #total: number;
  readonly #unit: string;
  readonly #isTerminal: boolean;
  readonly #beganAtMillis = performance.now();
  #shownAtMillis: number;
  #isBarShown = false;

  constructor(total: number, unit: string) {
    this.#total = total;
    this.#unit = unit;
    this.#isTerminal = process.stderr.isTTY === true;
    this.#shownAtMillis = this.#isTerminal ? 0 : this.#beganAtMillis;
  }

  /** @param note what holds it up, if anything */
  show(done: number, note = ""): void {
    const now = performance.now();
    const everyMillis = this.#isTerminal ? BAR_EVERY_MILLIS : LINE_EVERY_MILLIS;
    if (now - this.#shownAtMillis < everyMillis && done < this.#total) return;
    this.#shownAtMillis = now;
    const seconds = (now - this.#beganAtMillis) / 1000;
    const perSecond = done / Math.max(seconds, 0.001);
    const left =
      done > 0 && done < this.#total ? `, ${lengthText((this.#total - done) / perSecond)} left` : "";
    const text = `${done} of ${this.#total} ${this.#unit}${left}${note && `  ${note}`}`;
    if (!this.#isTerminal) {
      if (done < this.#total) process.stderr.write(`${text}\n`);
      return;
    }
    const filled = Math.min(BAR_COLUMNS, Math.floor((done / Math.max(this.#total, 1)) * BAR_COLUMNS));
    const bar = `${paintError("green", "█".repeat(filled))}${paintError("dim", "░".repeat(BAR_COLUMNS - filled))}`;
    const room = (process.stderr.columns ?? 80) - BAR_COLUMNS - 2;
    process.stderr.write(`\r\u001b[K${bar} ${text.slice(0, Math.max(0, room))}`);
    this.#isBarShown = true;
  }

  /** Removes the bar, so that what follows stands alone. */
  [Symbol.dispose](): void {
    if (this.#isBarShown) process.stderr.write("\r\u001b[K");
    this.#isBarShown = false;
  }
}
