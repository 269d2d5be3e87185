import { readRecording } from "../../local/demo/recording.ts";
import { EMPTY_CALL_MEMORY } from "../../shared/ami/callMemory.ts";
import { AmiConverter } from "../../shared/ami/convert.ts";
import { type Message, renderAmiOnly } from "../../shared/queue/message.ts";
import { readEvent } from "../../shared/stasis/event.ts";

/** The recorded calls as AMI events. */
export async function recordedAmi(): Promise<Message[]> {
  const converter = new AmiConverter(EMPTY_CALL_MEMORY);
  return (await readRecording()).flatMap(({ line }) => {
    const item = readEvent(line);
    if (!("event" in item)) return [];
    const ami = converter.convert(item.event);
    converter.passed(item.event);
    return ami === undefined ? [] : [renderAmiOnly(ami, "")];
  });
}
