import type { AmiText } from "./amiText.ts";
import type { EventClass } from "./eventClass.ts";

/** One AMI event as Manager writes it. */
export interface AmiMessage extends AmiText {
  /** The value of its `Event` header. */
  readonly name: string;
  /** The classes of its `Privilege` header, without `all`; undefined when they are not known. */
  readonly classes: readonly EventClass[] | undefined;
  /** The whole block: each header ends with CRLF, and so does the empty line behind the last one. */
  readonly text: string;
}

/**
 * No longer AMI text is made or accepted: with the event's own JSON it must fit into a page. An event whose AMI form would
 * be longer stays a Stasis message only; field lists can be many times their JSON.
 */
export const MAX_AMI_BYTES = 128 * 1024;

export type AmiField = readonly [name: string, value: string];

/** What would begin a new header, end the block, or be no text to some clients. */
const UNSAFE = /[\r\n\0]/;
const EVERY_UNSAFE = new RegExp(UNSAFE, "g");

/**
 * Writes an event block: `Event`, `Privilege`, then the fields in their order, one blank after each colon also
 * before an empty value. No value can begin a header of its own. Asterisk: main/manager.c, `__manager_event_sessions_va`.
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
  // One look at all of them together: at 25 fields an event, one each would cost as much as the rest of the conversion.
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
