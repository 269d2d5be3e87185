import { widthOf } from "./text.ts";

/** The part of a TTY's stream that the screen needs. */
export interface ScreenOutput {
  write(text: string): unknown;
  /** Absent or 0 where nobody has said how large the terminal is. */
  readonly columns?: number;
  readonly rows?: number;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The lines of the table, each narrower than the terminal, for its size at present. */
export type Render = (size: Size) => readonly string[];

const UNKNOWN_SIZE: Size = { columns: 80, rows: 24 };
/** Printed again after a resize. */
const KEPT_LINES = 200;

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const ERASE_BELOW = "\x1b[J";
const ERASE_LINE = "\x1b[K";
const ERASE_ALL = "\x1b[2J\x1b[H";
/** Terminals that know them show what lies between at once; the others ignore them. */
const BEGIN_UPDATE = "\x1b[?2026h";
const END_UPDATE = "\x1b[?2026l";

/**
 * A table at the end of what a terminal shows, changed in place, with the lines of a log above it. Each change is one
 * write that overwrites what was there, so nothing flickers. The cursor stands at the end of the table.
 */
export class LiveScreen {
  readonly #output: ScreenOutput;
  #render: Render | undefined;
  #isOpen = true;
  #drawnLines = 0;
  #waiting: string[] = [];
  #flush: NodeJS.Immediate | undefined;
  #recent: string[] = [];
  readonly #onResize = () => this.#drawAnew();

  constructor(output: ScreenOutput) {
    this.#output = output;
    output.on("resize", this.#onResize);
  }

  /** Adds lines above the table. What is printed at the same time is written at once. */
  print(text: string): void {
    if (!this.#isOpen) {
      this.#output.write(`${text}\n`);
      return;
    }
    this.#waiting.push(...text.split("\n"));
    this.#flush ??= setImmediate(() => this.#draw());
  }

  /** Replaces the table. */
  show(render: Render): void {
    this.#render = render;
    if (this.#isOpen) this.#draw();
  }

  /** Removes the table and gives the cursor back. What is printed afterwards is written as it is. */
  close(): void {
    if (!this.#isOpen) return;
    this.#render = undefined;
    this.#draw();
    this.#isOpen = false;
    this.#output.off("resize", this.#onResize);
    this.#output.write(SHOW_CURSOR);
  }

  /** Before the process is suspended: the shell needs the cursor, below the table. */
  leave(): void {
    if (this.#isOpen) this.#output.write(`${SHOW_CURSOR}\n`);
  }

  /** After it went on: others have written meanwhile. */
  comeBack(): void {
    if (this.#isOpen) this.#drawAnew();
  }

  #draw(): void {
    clearImmediate(this.#flush);
    this.#flush = undefined;
    const printed = this.#waiting.splice(0);
    this.#remember(printed);
    const start = this.#drawnLines > 1 ? `\r\x1b[${this.#drawnLines - 1}A` : "\r";
    // Lines of a log may be longer than the terminal is wide, so what lies below is erased before.
    const log = printed.length === 0 ? "" : `${ERASE_BELOW}${printed.join("\n")}\n`;
    this.#write(`${start}${log}${this.#table()}`);
  }

  /** A terminal that was resized has broken the lines anew, each kind in its own way. */
  #drawAnew(): void {
    const lines = this.#lines();
    const room = this.#size().rows - lines.length;
    let [used, from] = [0, this.#recent.length];
    while (from > 0) {
      used += this.#rowsOf(this.#recent[from - 1] ?? "");
      if (used > room) break;
      from--;
    }
    const log = this.#recent.slice(from).map((line) => `${line}\n`);
    this.#write(`${ERASE_ALL}${log.join("")}${this.#table()}`);
  }

  #table(): string {
    const lines = this.#lines();
    this.#drawnLines = lines.length;
    return lines.map((line) => line + ERASE_LINE).join("\n") + ERASE_BELOW;
  }

  /** Never more than fit: the cursor cannot go back to what has left the screen. */
  #lines(): readonly string[] {
    const size = this.#size();
    return this.#render?.(size).slice(0, Math.max(1, size.rows - 1)) ?? [];
  }

  #size(): Size {
    return {
      columns: this.#output.columns || UNKNOWN_SIZE.columns,
      rows: this.#output.rows || UNKNOWN_SIZE.rows,
    };
  }

  #rowsOf(line: string): number {
    return Math.max(1, Math.ceil(widthOf(line) / this.#size().columns));
  }

  #remember(lines: readonly string[]): void {
    this.#recent = [...this.#recent, ...lines].slice(-KEPT_LINES);
  }

  #write(text: string): void {
    this.#output.write(`${BEGIN_UPDATE}${HIDE_CURSOR}${text}${END_UPDATE}`);
  }
}
