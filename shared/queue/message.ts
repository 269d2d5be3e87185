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

/** The message's JSON as a subscriber gets it: with its number in front. */
export function numberedText(message: Message, sequence: number): string {
  return `{"sequence":${sequence},${message.text.slice(1)}`;
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
