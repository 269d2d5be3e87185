import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";

const entrySchema = z.object({
  /** Which socket: `ari-1`, `outbound-2`, `ami-1`. */
  socket: z.string(),
  atEpochMillis: z.number(),
  /** The event, one character for each byte. */
  latin1: z.string(),
});

export type JournalEntry = z.infer<typeof entrySchema>;

/**
 * What each socket of the PBX has handed to the system, in order. A test judges loss by it. With a file, a line is
 * written before the next event is sent, so that the file outlives a killed PBX.
 */
export class Journal {
  readonly entries: JournalEntry[] = [];
  readonly #file: number | undefined;

  constructor(file?: string) {
    this.#file = file === undefined ? undefined : openSync(file, "a");
  }

  static read(file: string): JournalEntry[] {
    const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => entrySchema.parse(JSON.parse(line)));
  }

  note(socket: string, event: Buffer): void {
    const entry = { socket, atEpochMillis: Date.now(), latin1: event.toString("latin1") };
    this.entries.push(entry);
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

/** The events of a journal as UTF-8 texts. */
export function textsOf(entries: readonly JournalEntry[]): string[] {
  return entries.map(({ latin1 }) => Buffer.from(latin1, "latin1").toString());
}
