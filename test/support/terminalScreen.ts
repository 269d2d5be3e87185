/** The sequences that a terminal gets, as far as the relay writes them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const SEQUENCE = /\x1b\[(?<parameters>[?\d;]*)(?<final>[A-Za-z])|(?<control>[\r\n])|(?<text>[^\x1b\r\n]+)/g;

/** What a terminal shows after what was written to it. Each character takes one column. */
export class TerminalScreen {
  columns: number;
  rows: number;
  /** Everything that was written. */
  written = "";
  /** In how many writes. */
  writes = 0;
  hasCursor = true;
  #lines: string[] = [""];
  /** Lines that have left the screen at its top. */
  readonly scrolledAway: string[] = [];
  #row = 0;
  #column = 0;
  #onResize: () => void = () => {};

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    this.written += text;
    this.writes++;
    for (const { groups = {} } of text.matchAll(SEQUENCE)) {
      if (groups.text !== undefined) for (const character of groups.text) this.#put(character);
      else if (groups.control === "\r") this.#column = 0;
      else if (groups.control === "\n") this.#newLine();
      else this.#obey(groups.parameters ?? "", groups.final ?? "");
    }
  }

  on(_event: "resize", listener: () => void): void {
    this.#onResize = listener;
  }

  off(): void {
    this.#onResize = () => {};
  }

  resize(columns: number, rows: number): void {
    [this.columns, this.rows] = [columns, rows];
    this.#onResize();
  }

  /** The lines on the screen, without blanks at their ends. */
  get lines(): string[] {
    return this.#lines.map((line) => line.trimEnd());
  }

  #put(character: string): void {
    if (this.#column === this.columns) this.#newLine();
    const line = (this.#lines[this.#row] ?? "").padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column++;
  }

  /** A TTY returns to the first column as well. */
  #newLine(): void {
    this.#column = 0;
    this.#row++;
    if (this.#row === this.#lines.length) this.#lines.push("");
    if (this.#lines.length <= this.rows) return;
    this.scrolledAway.push(this.#lines.shift() ?? "");
    this.#row--;
  }

  #obey(parameters: string, final: string): void {
    switch (parameters + final) {
      case "?25l":
      case "?25h":
        this.hasCursor = final === "h";
        return;
      case "?2026h":
      case "?2026l":
        return;
      case "2J":
        this.#lines = [""];
        return;
      case "H":
        [this.#row, this.#column] = [0, 0];
        return;
      case "K":
        this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
        return;
      case "J":
        this.#lines[this.#row] = (this.#lines[this.#row] ?? "").slice(0, this.#column);
        this.#lines.length = this.#row + 1;
        return;
    }
    if (final === "A") this.#row = Math.max(0, this.#row - Number(parameters));
    else if (final !== "m") throw new Error(`the terminal does not know ${parameters}${final}`);
  }
}
