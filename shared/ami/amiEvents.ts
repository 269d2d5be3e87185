import { type AmiMessage, MAX_AMI_BYTES } from "./amiMessage.ts";
import { type AmiBlock, AmiParser, fieldList, readAmi } from "./amiParser.ts";
import { bytesOf } from "./amiText.ts";
import { isEventName, MAX_EVENT_NAME_CHARACTERS } from "./eventName.ts";

export interface AmiEvents {
  readonly events: readonly ({ readonly ami: AmiMessage } | { readonly error: string })[];
  /** Number of blocks that are not appended: the greeting, responses, and the events that belong to a response. */
  readonly skipped: number;
}

/** The likely cause when text has no line ends. */
const LINE_ENDS_LOST = "its line ends seem to be lost: use curl --data-binary, because -d removes them";

/**
 * The events of an AMI text, in order. Never throws: an unreadable event is an `error` at its place in the list.
 * @param charset the declared charset, see `charsetOf`
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

/** The event, or an error. Empty when the event belongs to a response. */
function readAmiEvent(block: AmiBlock): AmiEvents["events"] {
  const bytes = bytesOf(block).length;
  if (bytes > MAX_AMI_BYTES)
    return [{ error: `the event has ${bytes} bytes; at most ${MAX_AMI_BYTES} are accepted` }];
  const ami = readAmi(block);
  const error = nameProblem(ami);
  if (error !== undefined) return [{ error }];
  return belongsToResponse(ami) ? [] : [{ ami }];
}

/** What is wrong with an event's name, and the likely cause. */
export function nameProblem({ name }: AmiMessage): string | undefined {
  if (isEventName(name)) return undefined;
  return name.includes(": ") ? `${BAD_NAME}; ${LINE_ENDS_LOST}` : BAD_NAME;
}

const BAD_NAME = `the event's name must have 1 to ${MAX_EVENT_NAME_CHARACTERS} visible characters`;

/**
 * Manager answers some actions with events, which only the client that asked receives. Events for all sessions have
 * `all` among their classes, or `<none>`. Asterisk: main/manager.c, `__manager_event_sessions_va`.
 */
function belongsToResponse({ text, classes }: AmiMessage): boolean {
  if (classes !== undefined) return false;
  const privilege = [...fieldList(text)].find(([name]) => name.toLowerCase() === "privilege")?.[1];
  return !(privilege?.split(",").includes("all") ?? false);
}

/** Whether a text with several headers is a single line. */
function hasLostLineEnds(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString("latin1").trim();
  return !text.includes("\n") && text.indexOf(": ") !== text.lastIndexOf(": ");
}
