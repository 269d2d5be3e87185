import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { AmiMessage } from "../../shared/ami/amiMessage.ts";
import { AmiParser, fieldList, readAmi } from "../../shared/ami/amiParser.ts";
import { bytesOf } from "../../shared/ami/amiText.ts";
import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { readEvent } from "../../shared/stasis/event.ts";
import type { ComparedMessage } from "./comparedMessage.ts";

/** A recording of one Asterisk over ARI and AMI at the same time: `stasis.ndjson.gz`, `ami-all.txt.gz`, other views. */
export class Recording {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  stasisLines(): string[] {
    return this.#read("stasis.ndjson.gz").toString("utf8").split("\n").filter(Boolean);
  }

  /** The events that an AMI user received, as UTF-8 whatever their bytes are: ARI knows no other charset. */
  amiEvents(view = "all"): AmiMessage[] {
    const parser = new AmiParser();
    const items = [...parser.feed(this.#read(`ami-${view}.txt.gz`)), ...parser.end()];
    return items.flatMap((item) =>
      "kind" in item && item.kind === "event" ? [readAmi(bytesOf(item).toString("utf8"))] : [],
    );
  }

  #read(file: string): Buffer {
    return gunzipSync(readFileSync(join(this.#directory, file)));
  }
}

/** The AMI messages that the relay makes of Stasis events. */
export function convertAll(stasisLines: readonly string[]): AmiMessage[] {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY);
  return stasisLines.flatMap((line) => {
    const item = readEvent(line);
    if (!("event" in item))
      throw new Error(`the recording has a line that is not an event: ${line.slice(0, 200)}`);
    const message = converter.convert(item.event);
    converter.passed(item.event);
    return message ?? [];
  });
}

/** Whether Asterisk was configured with `channelvars=CHANNEL(linkedid)` during the recording. */
export function tellsLinkedIds(stasisLines: readonly string[]): boolean {
  return stasisLines.some((line) => line.includes('"CHANNEL(linkedid)"'));
}

/** The event as an Asterisk without `channelvars=CHANNEL(linkedid)` sends it. */
export function withoutLinkedIds(stasisLine: string): string {
  return JSON.stringify(JSON.parse(stasisLine), (key, value) =>
    key === "CHANNEL(linkedid)" ? undefined : value,
  );
}

/** Fields that Asterisk can be configured to put before every event's own fields. They say nothing of calls. main/manager.c. */
const ADDED_TO_HEAD = new Set(["Timestamp", "SequenceNumber", "File", "Line", "Func", "SystemName"]);

export function asCompared(message: AmiMessage): ComparedMessage {
  const [event, privilege, ...fields] = fieldList(withoutBrokenLines(message.text));
  const own = fields.findIndex(([name]) => !ADDED_TO_HEAD.has(name));
  return {
    name: message.name,
    fields: [event, privilege, ...(own < 0 ? [] : fields.slice(own))].filter((field) => field !== undefined),
  };
}

/** Asterisk writes line breaks in values as they are; the relay removes them. The text after one rarely has a colon. */
function withoutBrokenLines(text: string): string {
  return text.replace(/\r\n(?=[^:\r\n]+\r\n)/g, "");
}
