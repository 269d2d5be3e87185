import type { AmiText } from "./amiText.ts";
import type { EventClass } from "./eventClass.ts";

/** One AMI event as Manager writes it. */
export interface AmiMessage extends AmiText {
  /** The value of the `Event` header. */
  readonly name: string;
  /** The classes of the `Privilege` header, without `all`; undefined when they are unknown. */
  readonly classes: readonly EventClass[] | undefined;
  /** The whole block. Every header ends with CRLF, as does the empty line after the last one. */
  readonly text: string;
}

/**
 * The longest AMI text that is made or accepted: the text and the event's JSON must fit into one page. An event whose
 * AMI form would be longer stays a Stasis message only. A field list can be many times longer than its JSON.
 */
export const MAX_AMI_BYTES = 128 * 1024;

export type AmiField = readonly [name: string, value: string];

/** Characters that would start a new header, end the block, or break clients that expect text. */
const UNSAFE = /[\r\n\0]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, "g");

/**
 * Writes an event block: `Event`, `Privilege`, then the fields in order. A space follows every colon, even before an
 * empty value. No value can start another header. Asterisk: main/manager.c, `__manager_event_sessions_va`.
 */
export function renderAmi(
  name: string,
  classes: readonly EventClass[],
  fields: readonly AmiField[],
): AmiMessage {
  let unchecked = name;
  let body = "";
  for (const [field, value] of fields) {
    unchecked += `:${field}:${value}`;
    body += `${field}: ${value}\r\n`;
  }
  // One test for all fields: at 25 fields an event, one test each would cost as much as the rest of the conversion.
  if (UNSAFE.test(unchecked) || !unchecked.isWellFormed())
    return renderAmi(safe(name), classes, fields.map(safeField));
  return { name, classes, text: `Event: ${name}\r\nPrivilege: ${classes.join(",")},all\r\n${body}\r\n` };
}

function safeField([name, value]: AmiField): AmiField {
  return [safe(name), safe(value)];
}

function safe(text: string): string {
  return text.replace(EVERY_UNSAFE, "").toWellFormed();
}
