import { RelayCallError } from "../client/relayCallError.ts";
import { EXIT, type ExitCode } from "./exitCodes.ts";
import { briefly } from "./failure.ts";
import { interruption, pauseUnless } from "./interruption.ts";
import { columnsOfOutput, paint } from "./output/paint.ts";
import { jsonLine } from "./output/plain.ts";
import { shortened } from "./output/width.ts";
import { wrapped } from "./output/wrapped.ts";
import type { Run } from "./run.ts";

const LOOK_EVERY_MILLIS = 1_000;

export interface Watched<Item, Row> {
  /** Once, or until Ctrl-C. */
  readonly isRepeated: boolean;
  readonly read: () => Promise<readonly Item[]>;
  readonly keyOf: (item: Item) => string;
  /** The sequence number whose growth is the item's rate. */
  readonly placeOf: (item: Item) => number | undefined;
  readonly rowOf: (item: Item, messagesPerSecond: number | undefined) => Row;
  readonly lines: (rows: readonly Row[]) => readonly string[];
  /** With `--json`. */
  readonly answer: (items: readonly Item[]) => unknown;
  /** Said when there is no item. */
  readonly none: string;
}

/** Shows a table, once or again and again: in place on a terminal, below each other elsewhere. */
export async function watching<Item, Row>(run: Run, watched: Watched<Item, Row>): Promise<ExitCode> {
  if (!watched.isRepeated) {
    const items = await watched.read();
    if (run.json) await run.print(jsonLine(watched.answer(items)));
    else if (items.length === 0) run.note(watched.none);
    else await run.printLines(watched.lines(items.map((item) => watched.rowOf(item, undefined))));
    return EXIT.done;
  }
  using stop = interruption();
  const screen = new Screen();
  let before: { readonly places: ReadonlyMap<string, number>; readonly atMillis: number } | undefined;
  let tookMillis = 0;
  // A relay with very many items is not kept busy by one who looks at them.
  const pauseMillis = () => Math.max(LOOK_EVERY_MILLIS, tookMillis);
  for (; !stop.signal.aborted; await pauseUnless(pauseMillis(), stop.signal)) {
    const beganAtMillis = performance.now();
    let items: readonly Item[];
    try {
      items = await watched.read();
    } catch (error) {
      // The first look says whether it can work at all.
      if (before === undefined || !(error instanceof RelayCallError && error.retryable)) throw error;
      screen.warn(`${briefly(error)}; looking again`);
      continue;
    }
    const atMillis = performance.now();
    tookMillis = atMillis - beganAtMillis;
    const places = new Map<string, number>();
    for (const item of items) {
      const place = watched.placeOf(item);
      if (place !== undefined) places.set(watched.keyOf(item), place);
    }
    const rateOf = (item: Item) => {
      const [now, then] = [places, before?.places].map((each) => each?.get(watched.keyOf(item)));
      if (now === undefined || then === undefined || before === undefined) return undefined;
      return Math.max(0, now - then) / ((atMillis - before.atMillis) / 1000);
    };
    if (run.json) await run.print(jsonLine(watched.answer(items)));
    else
      screen.show(
        items.length === 0
          ? wrapped(watched.none, columnsOfOutput()).split("\n")
          : watched.lines(items.map((item) => watched.rowOf(item, rateOf(item)))),
      );
    before = { places, atMillis };
  }
  return EXIT.done;
}

/** Standard output as a place that changes, where it is a terminal. */
class Screen {
  readonly #isTerminal = process.stdout.isTTY === true;
  #height = 0;
  #last = "";

  show(lines: readonly string[]): void {
    const { rows = 24 } = process.stdout;
    // What does not fit could not be written over.
    const most = Math.max(1, rows - 2);
    const shown =
      !this.#isTerminal || lines.length <= most
        ? lines
        : [...lines.slice(0, most - 1), `… and ${lines.length - most + 1} more`];
    const text = shown.join("\n");
    if (this.#isTerminal) {
      this.#clear();
      process.stdout.write(`${text}\n`);
      this.#height = shown.length;
    } else if (text !== this.#last) process.stdout.write(`${this.#last === "" ? "" : "\n"}${text}\n`);
    this.#last = text;
  }

  /** A line below the table, until the next look. */
  warn(line: string): void {
    if (!this.#isTerminal) return void process.stderr.write(`${line}\n`);
    this.#clear();
    const shown = shortened(line, process.stdout.columns - 1);
    process.stdout.write(`${this.#last}\n${paint("yellow", shown)}\n`);
    this.#height = this.#last.split("\n").length + 1;
  }

  #clear(): void {
    if (this.#height > 0) process.stdout.write(`\u001b[${this.#height}A\u001b[J`);
  }
}
