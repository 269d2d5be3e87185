import { type FeedSummary, type Message, RelayCallError, type RelayClient } from "../../client/index.ts";
import { type Clock, systemClock } from "../../shared/runtime/clock.ts";
import { shown } from "./text.ts";

const LOOK_EVERY_MILLIS = 500;
/** However much is appended, a look prints so many lines of a feed, of so many feeds. */
const MOST_LINES = 200;
const MOST_FEEDS = 20;

export interface PrintEventsOptions {
  readonly client: Pick<RelayClient, "listFeeds" | "messages">;
  readonly stopping: AbortSignal;
  readonly clock?: Pick<Clock, "sleep">;
  print(line: string): void;
}

/** Prints a line for each message that is appended, until `stopping` aborts. */
export async function printEvents({
  client,
  stopping,
  clock = systemClock,
  print,
}: PrintEventsOptions): Promise<void> {
  /** The next number to print, by feed. */
  const next = new Map<string, number>();
  for (let isFirst = true; !stopping.aborted; await clock.sleep(LOOK_EVERY_MILLIS, stopping)) {
    try {
      for (const { feed, head, tail } of await firstFeeds(client)) {
        // What was there before is not passing by; a feed that appears later is new.
        const from = Math.max(head, next.get(feed) ?? (isFirst ? tail + 1 : 1));
        next.set(feed, from <= tail ? await printFeed(client, feed, from, tail, print) : from);
      }
      isFirst = false;
    } catch (error) {
      if (!(error instanceof RelayCallError)) throw error;
    }
  }
}

/** @returns the number to go on with */
async function printFeed(
  client: PrintEventsOptions["client"],
  feed: string,
  from: number,
  tail: number,
  print: (line: string) => void,
): Promise<number> {
  const { messages, next } = await client.messages(feed, { from, limit: MOST_LINES });
  for (const message of messages) print(eventLine(feed, message));
  const left = tail + 1 - next;
  if (left <= 0) return next;
  print(`${feed}: … and ${left.toLocaleString("en")} more`);
  return tail + 1;
}

async function firstFeeds(client: PrintEventsOptions["client"]): Promise<FeedSummary[]> {
  const feeds: FeedSummary[] = [];
  for await (const feed of client.listFeeds()) {
    feeds.push(feed);
    if (feeds.length === MOST_FEEDS) break;
  }
  return feeds;
}

/** One message as a line: when, where, which, what, and of whom. */
export function eventLine(feed: string, message: Message): string {
  const of = "event" in message ? subjectOf(message.event) : subjectOf(message.fields);
  return shown(
    `${message.timestamp.slice(11, 19)} ${feed} ${message.sequence} ${message.type} ${of}`,
  ).trimEnd();
}

/** The paths of what an event is about, in ARI and in AMI, the most telling first. */
const SUBJECTS: readonly (readonly string[])[] = [
  ["channel", "name"],
  ["peer", "name"],
  ["bridge", "id"],
  ["endpoint", "resource"],
  ["device_state", "name"],
  ["eventname"],
  ["Channel"],
  ["BridgeUniqueid"],
  ["Device"],
  ["Queue"],
];

function subjectOf(fields: Readonly<Record<string, unknown>>): string {
  for (const path of SUBJECTS) {
    const value = path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), fields);
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
