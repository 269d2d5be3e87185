import { type AmiMessage, renderAmi } from "../ami/amiMessage.ts";
import { fieldsOf } from "../ami/amiParser.ts";
import { bytesOf } from "../ami/amiText.ts";
import { gapFields } from "../ami/relayMessages.ts";
import type { Sequence } from "./sequence.ts";

/**
 * One message of the queue. `text` is the JSON for Stasis subscribers, without the sequence number:
 * `{"type":…,"timestamp":…,"event":…}`. It stays text from ingest to delivery, so the event arrives byte for byte and
 * no session pays for parsing. `ami` is the same event as Manager sends it, converted once, at ingest.
 */
export interface Message {
  /** The Stasis type; undefined for an event that came as AMI and has no Stasis form. */
  readonly type: string | undefined;
  /** `{"timestamp":…}` when the message has no Stasis form. */
  readonly text: string;
  /** Undefined when Manager has no event for it. */
  readonly ami?: AmiMessage | undefined;
}

/** The type of the relay's own message that reports a gap. It passes every filter. */
export const GAP_TYPE = "RelayGap";

export function renderMessage(type: string, timestamp: string, eventText: string, ami?: AmiMessage): Message {
  const text = `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(timestamp)},"event":${eventText}}`;
  return { type, text, ami };
}

/** A message that came as AMI text. */
export function renderAmiOnly(ami: AmiMessage, timestamp: string): Message {
  return { type: undefined, text: `{"timestamp":${JSON.stringify(timestamp)}}`, ami };
}

/** The type of the message by which a person tests an endpoint. No feed has it. */
const TEST_TYPE = "RelayTest";

export function renderTest(test: string, atEpochMillis: number): Message {
  const timestamp = new Date(atEpochMillis).toISOString();
  const event = JSON.stringify({ type: TEST_TYPE, timestamp, test });
  return renderMessage(TEST_TYPE, timestamp, event, renderAmi(TEST_TYPE, ["system"], [["Test", test]]));
}

export interface NumberedMessage {
  readonly sequence: Sequence;
  readonly message: Message;
}

export type MessageFormat = "stasis" | "ami";

/** Whether the message has the form that this format needs. */
export function hasForm(message: Message, format: MessageFormat): boolean {
  return format === "ami" ? message.ami !== undefined : message.type !== undefined;
}

/**
 * A JSON array of messages as subscribers get them, each with its sequence number first. All pieces are joined at once:
 * building each message on its own would copy it twice, and at thousands of messages a second that dominates memory.
 */
export function renderMessages(messages: readonly NumberedMessage[], format: MessageFormat): string {
  const pieces: string[] = [];
  for (const { sequence, message } of messages) {
    pieces.push(pieces.length === 0 ? `[{"sequence":${sequence},` : `,{"sequence":${sequence},`);
    pieces.push(format === "ami" ? amiForm(message) : message.text.slice(1));
  }
  return pieces.length === 0 ? "[]" : `${pieces.join("")}]`;
}

/**
 * `"type":<event name>,"timestamp":…,"text":<the block>,"fields":{…}`. Text that is not UTF-8 also has the charset it was
 * read in, and its bytes.
 */
function amiForm({ text, ami }: Message): string {
  if (ami === undefined) throw new TypeError("a message without an AMI form cannot be rendered as AMI");
  const [, timestamp = '""'] = TIMESTAMP.exec(text) ?? [];
  const block = JSON.stringify(ami.text);
  const fields = JSON.stringify(fieldsOf(ami.text));
  const raw = ami.raw
    ? `,"charset":${JSON.stringify(ami.raw.charset)},"base64":"${bytesOf(ami).toString("base64")}"`
    : "";
  return `"type":${JSON.stringify(ami.name)},"timestamp":${timestamp},"text":${block},"fields":${fields}${raw}}`;
}

/** The timestamp's JSON in a message's text. */
const TIMESTAMP = /^\{(?:"type":"(?:[^"\\]|\\.)*",)?"timestamp":("(?:[^"\\]|\\.)*")/;

export type GapReason = "retention" | "expired" | "lost-before-ingest";

/** Reports messages that will never come. The reason decides the `facts`: sequence numbers, or a producer's positions. */
export function renderGap(
  reason: GapReason,
  facts: Readonly<Record<string, string | number>>,
  atEpochMillis: number,
): Message {
  const timestamp = new Date(atEpochMillis).toISOString();
  const event = JSON.stringify({ type: GAP_TYPE, timestamp, reason, ...facts });
  const ami = renderAmi(GAP_TYPE, ["system"], gapFields({ reason, ...facts }));
  return renderMessage(GAP_TYPE, timestamp, event, ami);
}
