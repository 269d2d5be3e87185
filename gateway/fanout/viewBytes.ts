import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { bytesOf } from "../../shared/ami/amiText.ts";
import type { Page } from "../../shared/queue/page.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { JudgedView, PlainView } from "./view.ts";

/**
 * A write is at most about this long, so that an answer to Ping waits for no more than this. It ends with a message; a
 * message is never cut.
 */
const SLICE_BYTES = 64 * 1024;

/** Bytes that are written at once, and the number after the last message in them. */
export interface Slice {
  readonly bytes: Buffer;
  readonly next: Sequence;
}

/**
 * The bytes that a view gets of consecutive pages, in slices that are written one at a time. Empty when the view wants
 * nothing of them.
 * @param from messages below it are left out
 */
export function viewBytes(pages: readonly Page[], from: Sequence, view: PlainView): Slice[] {
  const slices = new Slices();
  for (const page of pages) {
    const skipped = Math.max(0, from - page.first);
    for (let index = skipped; index < page.messages.length; index += 1) {
      const message = page.messages[index];
      if (message?.ami === undefined || !view.wants(message)) continue;
      slices.add(message.ami, page.first + index, view.sequenceHeader);
    }
  }
  return slices.end();
}

/**
 * `viewBytes` for a view with regular expressions.
 * @throws FilterCostError when they take too much time, FilterBusyError when they must wait for their share
 */
export async function judgedBytes(
  pages: readonly Page[],
  from: Sequence,
  { judge, sequenceHeader }: JudgedView,
): Promise<Slice[]> {
  const slices = new Slices();
  for (const page of pages) {
    for (const { sequence, message } of await judge(page))
      if (sequence >= from && message.ami !== undefined) slices.add(message.ami, sequence, sequenceHeader);
  }
  return slices.end();
}

/** Texts are joined before they are encoded, which is several times faster than to encode each. */
class Slices {
  readonly #done: Slice[] = [];
  #text = "";
  #bytes: Buffer[] = [];
  #length = 0;
  #next: Sequence = 0;

  /** @param isNumbered whether the relay's own header stands last in the block */
  add(ami: AmiMessage, sequence: Sequence, isNumbered: boolean): void {
    const header = isNumbered ? `RelaySequence: ${sequence}\r\n` : "";
    this.#next = sequence + 1;
    if (ami.raw === undefined) {
      this.#text += header === "" ? ami.text : `${ami.text.slice(0, -2)}${header}\r\n`;
    } else {
      this.#flushText();
      const bytes = bytesOf(ami);
      if (header === "") this.#bytes.push(bytes);
      else this.#bytes.push(bytes.subarray(0, -2), Buffer.from(`${header}\r\n`));
    }
    this.#length += ami.text.length + header.length;
    if (this.#length >= SLICE_BYTES) this.#cut();
  }

  end(): Slice[] {
    this.#cut();
    return this.#done;
  }

  #flushText(): void {
    if (this.#text !== "") this.#bytes.push(Buffer.from(this.#text));
    this.#text = "";
  }

  #cut(): void {
    this.#flushText();
    const [only, ...more] = this.#bytes;
    if (only !== undefined)
      this.#done.push({ bytes: more.length === 0 ? only : Buffer.concat(this.#bytes), next: this.#next });
    this.#bytes = [];
    this.#length = 0;
  }
}
