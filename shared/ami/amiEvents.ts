import { type AmiMessage, MAX_AMI_BYTES } from "./amiMessage.ts";
import { AmiParser, readAmi } from "./amiParser.ts";
import { isEventName, MAX_EVENT_NAME_CHARACTERS } from "./eventName.ts";

export interface AmiEvents {
  readonly events: readonly ({ readonly ami: AmiMessage } | { readonly error: string })[];
  /** Number of blocks that are not events: the greeting, responses. */
  readonly skipped: number;
}

/** The events of an AMI text, in order. Never throws: an unreadable event is an `error` at its place in the list. */
export function readAmiEvents(bytes: Uint8Array): AmiEvents {
  const parser = new AmiParser();
  const items = [...parser.feed(bytes), ...parser.end()];
  const events = items.flatMap((item): AmiEvents["events"] => {
    if ("error" in item) return [{ error: item.error.message }];
    if (item.kind !== "event") return [];
    const bytes = Buffer.byteLength(item.text);
    if (bytes > MAX_AMI_BYTES)
      return [{ error: `the event has ${bytes} bytes; at most ${MAX_AMI_BYTES} are accepted` }];
    const ami = readAmi(item.text);
    if (isEventName(ami.name)) return [{ ami }];
    return [{ error: `the event's name must have 1 to ${MAX_EVENT_NAME_CHARACTERS} visible characters` }];
  });
  return { events, skipped: items.length - events.length };
}
