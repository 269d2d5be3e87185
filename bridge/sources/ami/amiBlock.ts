import { fieldList } from "../../../shared/ami/amiParser.ts";
import { readAmiText } from "../../../shared/ami/amiText.ts";

const EVENT = Buffer.from("Event:");
const RESPONSE = Buffer.from("Response:");
const PRIVILEGE = Buffer.from("\r\nPrivilege:");

/** Whether a block is an event for all sessions. Answers to actions have no Privilege line. */
export function isEvent(block: Buffer): boolean {
  return block.subarray(0, EVENT.length).equals(EVENT) && block.includes(PRIVILEGE);
}

export function isResponse(block: Buffer): boolean {
  return block.subarray(0, RESPONSE.length).equals(RESPONSE);
}

/** A block's headers by name. Of a repeated header, `all` has every value and the others see the first. */
export class AmiFields {
  readonly #values = new Map<string, string[]>();

  constructor(block: Buffer) {
    // Values may hold line feeds of their own. Only CRLF ends a line.
    for (const [name, value] of fieldList(readAmiText(block.toString("latin1")).text)) {
      const before = this.#values.get(name);
      if (before === undefined) this.#values.set(name, [value]);
      else before.push(value);
    }
  }

  /** Empty when the header is missing. */
  get(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}
