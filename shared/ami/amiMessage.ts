import type { EventClass } from "./eventClass.ts";

/** One AMI event as Manager writes it. */
export interface AmiMessage {
  /** The value of its `Event` header. */
  readonly name: string;
  /** The classes of its `Privilege` header, without `all`; undefined when they are not known. */
  readonly classes: readonly EventClass[] | undefined;
  /** The whole block: each header ends with CRLF, and so does the empty line behind the last one. */
  readonly text: string;
}

export type AmiField = readonly [name: string, value: string];

/** What would begin a new header, end the block, or be no text to some clients. */
const UNSAFE = /[\r\n\0]/g;

/**
 * Writes an event block: `Event`, `Privilege`, then the fields in their order, one blank after each colon also
 * before an empty value. No value can begin a header of its own. Asterisk: main/manager.c, `__manager_event_sessions_va`.
 */
export function renderAmi(
  name: string,
  classes: readonly EventClass[],
  fields: readonly AmiField[],
): AmiMessage {
  let text = `Event: ${safe(name)}\r\nPrivilege: ${classes.join(",")},all\r\n`;
  for (const [field, value] of fields) text += `${safeName(field)}: ${safe(value)}\r\n`;
  return { name: safe(name), classes, text: `${text}\r\n` };
}

function safe(value: string): string {
  return value.replace(UNSAFE, "").toWellFormed();
}

/** A colon in a field's name would cut it short. */
function safeName(name: string): string {
  return safe(name).replaceAll(":", "");
}
