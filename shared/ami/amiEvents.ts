import { type AmiMessage, MAX_AMI_BYTES } from "./amiMessage.ts";
import { type AmiBlock, AmiParser, fieldList, readAmi } from "./amiParser.ts";
import { bytesOf } from "./amiText.ts";
import { isEventName, MAX_EVENT_NAME_CHARACTERS } from "./eventName.ts";

export interface AmiEvents {
  readonly events: readonly ({ readonly ami: AmiMessage } | { readonly error: string })[];
  /** Blocks that are no events for everybody: the greeting, responses, and the events that belong to a response. */
  readonly skipped: number;
}

/** The likely cause of text without line ends. */
const LINE_ENDS_LOST = "its line ends seem to be lost: curl needs --data-binary, because -d takes them out";

/**
 * The events of an AMI text as Asterisk sent it, in their order. Never throws: what is wrong is said in its place.
 * @param charset what the text is declared to be, see `charsetOf`
 */
export function readAmiEvents(bytes: Uint8Array, charset?: string): AmiEvents {
  if (hasLostLineEnds(bytes)) return { events: [{ error: LINE_ENDS_LOST }], skipped: 0 };
  const parser = new AmiParser(charset);
  const items = [...parser.feed(bytes), ...parser.end()];
  const events = items.flatMap((item): AmiEvents["events"] => {
    if ("error" in item) return [{ error: item.error.message }];
    return item.kind === "event" ? readAmiEvent(item) : [];
  });
  return { events, skipped: items.length - events.length };
}

/** The event, why it is refused, or nothing when it belongs to a response. */
function readAmiEvent(block: AmiBlock): AmiEvents["events"] {
  const bytes = bytesOf(block).length;
  if (bytes > MAX_AMI_BYTES)
    return [{ error: `the event has ${bytes} bytes; at most ${MAX_AMI_BYTES} are accepted` }];
  const ami = readAmi(block);
  if (!isEventName(ami.name))
    return [{ error: ami.name.includes(": ") ? `${BAD_NAME}; ${LINE_ENDS_LOST}` : BAD_NAME }];
  return belongsToResponse(ami) ? [] : [{ ami }];
}

const BAD_NAME = `the event's name must have 1 to ${MAX_EVENT_NAME_CHARACTERS} characters that can be seen`;

/**
 * Manager answers some actions with events, for the one who asked. Those that it sends to its other sessions name their
 * classes with `all` among them, or `<none>`; these do not. Asterisk: main/manager.c, `__manager_event_sessions_va`.
 */
function belongsToResponse({ text, classes }: AmiMessage): boolean {
  if (classes !== undefined) return false;
  const privilege = [...fieldList(text)].find(([name]) => name.toLowerCase() === "privilege")?.[1];
  return !(privilege?.split(",").includes("all") ?? false);
}

/** Whether a text of several headers is one line. */
function hasLostLineEnds(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString("latin1").trim();
  return !text.includes("\n") && text.indexOf(": ") !== text.lastIndexOf(": ");
}
