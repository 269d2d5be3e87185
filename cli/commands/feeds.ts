import type { Command } from "commander";
import type { FeedSummary } from "../../client/types.ts";
import { type Column, fittedTable } from "../output/fittedTable.ts";
import { columnsOfOutput } from "../output/paint.ts";
import { rateText } from "../output/sessionTable.ts";
import { agoText } from "../output/times.ts";
import { type Run, runs } from "../run.ts";
import { watching } from "../watching.ts";

interface Options {
  readonly watch?: true;
}

export function define(command: Command): void {
  command
    .description("Lists the feeds that the key covers.")
    .option("--watch", "look again every second, with rates, until Ctrl-C")
    .addHelpText(
      "after",
      `
HELD is how many messages the feed still has, LAG the most that a session of it
may lag. Nobody has to follow a feed.`,
    )
    .action(runs(showFeeds));
}

interface FeedRow {
  readonly feed: FeedSummary;
  readonly messagesPerSecond?: number | undefined;
}

async function showFeeds(run: Run, { watch }: Options) {
  const client = await run.connect();
  return watching<FeedSummary, FeedRow>(run, {
    isRepeated: watch === true,
    read: () => Array.fromAsync(client.listFeeds()),
    keyOf: ({ feed }) => feed,
    placeOf: ({ tail }) => tail,
    rowOf: (feed, messagesPerSecond) => ({ feed, messagesPerSecond }),
    lines: (rows) => feedLines(rows, Date.now()),
    answer: (feeds) => ({ feeds }),
    none: "There is no feed yet. `stasis-relay append FEED FILE` makes one, and so does a bridge.",
  });
}

function feedLines(rows: readonly FeedRow[], nowEpochMillis: number): string[] {
  const columns: readonly Column<FeedRow>[] = [
    { title: "FEED", value: ({ feed }) => feed.feed, least: 12 },
    { title: "LAST", value: ({ feed }) => feed.tail, isNumber: true },
    { title: "HELD", value: ({ feed }) => Math.max(0, feed.tail - feed.head + 1), isNumber: true },
    { title: "GREW", value: ({ feed }) => agoText(feed.lastAppend, nowEpochMillis) },
    {
      title: "RATE",
      value: ({ messagesPerSecond }) => rateText(messagesPerSecond),
      isNumber: true,
      spare: 3,
    },
    { title: "SESSIONS", value: ({ feed }) => feed.sessions, isNumber: true },
    { title: "LAG ≤", value: lagText, isNumber: true, spare: 1 },
    { title: "PRODUCERS", value: ({ feed }) => feed.producers, isNumber: true, spare: 2 },
  ];
  return fittedTable(rows, columns, columnsOfOutput());
}

function lagText({ feed }: FeedRow): string | number {
  return feed.sessions === 0 ? "-" : feed.lagMessagesAtMost;
}
