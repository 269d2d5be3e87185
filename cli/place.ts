import type { RelayClient } from "../client/relayClient.ts";
import type { Position } from "../client/types.ts";

const UNIT_MILLIS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What `readPlace` takes, for help texts. */
export const PLACES =
  "head, tail, a sequence number, 5m (also s, h, d) for so long ago, 08:30 or an ISO time";

/**
 * Reads a place in a feed as people write it.
 * @returns undefined for anything else
 */
export function readPlace(text: string, nowEpochMillis: number): Position | undefined {
  if (text === "head" || text === "tail") return text;
  if (/^\d{1,16}$/.test(text)) {
    const number = Number(text);
    return Number.isSafeInteger(number) && number >= 1 ? number : undefined;
  }
  const { amount, unit = "" } = /^(?<amount>\d{1,9}(?:\.\d{1,3})?)(?<unit>[smhd])$/.exec(text)?.groups ?? {};
  if (amount !== undefined) return time(nowEpochMillis - Number(amount) * (UNIT_MILLIS[unit] ?? 0));
  if (/^\d\d:\d\d(?::\d\d)?$/.test(text)) return today(text, nowEpochMillis);
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined;
  // A date alone would be read as UTC, a date with a time as local.
  return time(Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text.replace(" ", "T")));
}

/** The last time that the clock on the wall showed this. */
function today(clock: string, nowEpochMillis: number): Position | undefined {
  const [hours = 0, minutes = 0, seconds = 0] = clock.split(":").map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(nowEpochMillis);
  date.setHours(hours, minutes, seconds, 0);
  if (date.getTime() > nowEpochMillis) date.setDate(date.getDate() - 1);
  return time(date.getTime());
}

function time(epochMillis: number): Position | undefined {
  // Years that ISO 8601 writes with four digits.
  if (!(epochMillis >= 0 && epochMillis < Date.UTC(10_000, 0))) return undefined;
  return { time: new Date(epochMillis).toISOString() };
}

export function placeText(place: Position): string {
  return typeof place === "object" ? place.time : String(place);
}

/** The number of the first message at a place; behind the last message, that of the next one to be appended. */
export async function numberAt(client: RelayClient, feed: string, place: Position): Promise<number> {
  if (typeof place === "number") return place;
  if (typeof place === "string") {
    const { head, tail } = await client.feed(feed);
    return place === "head" ? head : tail + 1;
  }
  // A message may have only one of the two forms, and an answer passes over those without the one that was asked for.
  const formats = ["stasis", "ami"] as const;
  const found = await Promise.all(
    formats.map((format) => client.messages(feed, { from: place, limit: 1, format })),
  );
  return Math.min(...found.map(({ messages, next }) => messages[0]?.sequence ?? next));
}
