import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readAmiEvents } from "../../shared/ami/amiEvents.ts";
import type { AmiField } from "../../shared/ami/amiMessage.ts";
import { fieldList } from "../../shared/ami/amiParser.ts";

const RECORDING = join(import.meta.dirname, "../../local/recordings/calls-mixed/ami-all.txt.gz");

/** The text of each event that Asterisk sent to a session without filters, but for that of its login. */
export const RECORDED: readonly string[] = readAmiEvents(gunzipSync(readFileSync(RECORDING)))
  .events.map((item) => {
    if ("error" in item) throw new Error(item.error);
    return item.ami;
  })
  .filter(({ name }) => name !== "FullyBooted")
  .map(({ text }) => text);

/** Appended after the recording: who has it has everything before it. */
export const LAST = "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Last\r\n\r\n";

export function fieldsIn(text: string): AmiField[] {
  return [...fieldList(text)];
}
