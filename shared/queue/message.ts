/**
 * One converted Stasis event. `text` is the JSON that subscribers get, without its sequence number:
 * `{"type":…,"timestamp":…,"event":…}`. It is kept as text from ingest to delivery: the event arrives byte-equal,
 * and no session pays for parsing it.
 */
export interface Message {
  readonly type: string;
  readonly text: string;
}

/** A message by which the relay itself says that messages are missing. Every filter lets it pass. */
export const GAP_TYPE = "RelayGap";

export function renderMessage(type: string, timestamp: string, eventText: string): Message {
  return {
    type,
    text: `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(timestamp)},"event":${eventText}}`,
  };
}

export interface NumberedMessage {
  readonly sequence: number;
  readonly message: Message;
}

/**
 * A JSON array of messages as subscribers get them: each with its number in front. The parts are joined once: messages
 * put together one by one would be copied twice, and at thousands a second that is what memory goes for.
 */
export function renderMessages(messages: readonly NumberedMessage[]): string {
  const parts: string[] = [];
  for (const { sequence, message } of messages) {
    parts.push(parts.length === 0 ? `[{"sequence":${sequence},` : `,{"sequence":${sequence},`);
    parts.push(message.text.slice(1));
  }
  return parts.length === 0 ? "[]" : `${parts.join("")}]`;
}

export type GapReason = "retention" | "expired" | "lost-before-ingest";

/** Says which messages will never come. `facts` are `first` and `last` in the numbering that the reason implies. */
export function renderGap(
  reason: GapReason,
  facts: Readonly<Record<string, string | number>>,
  atEpochMillis: number,
): Message {
  const timestamp = new Date(atEpochMillis).toISOString();
  return renderMessage(GAP_TYPE, timestamp, JSON.stringify({ type: GAP_TYPE, timestamp, reason, ...facts }));
}
