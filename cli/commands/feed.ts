import type { Command } from "commander";
import type { Feed, ProducerList } from "../../client/types.ts";
import { feedName } from "../options.ts";
import { counted } from "../output/counted.ts";
import { factLines } from "../output/facts.ts";
import { type Column, fittedTable } from "../output/fittedTable.ts";
import { columnsOfOutput } from "../output/paint.ts";
import { plain } from "../output/plain.ts";
import { agoText } from "../output/times.ts";
import { type Run, runs } from "../run.ts";

interface Options {
  readonly wrapUnmapped?: boolean;
}

export function define(command: Command): void {
  command
    .description("Shows one feed: its segments with the sessions that stand in each, and who sends.")
    .argument("<feed>", "the feed's name", feedName)
    .option(
      "--wrap-unmapped",
      "from now on, events that Manager does not have become a UserEvent named ARI-<type>",
    )
    .option("--no-wrap-unmapped", "from now on, they have no AMI form")
    .addHelpText(
      "after",
      `
A segment is freed when nobody stands in it and it is no longer the last one.
The sessions in the lowest segment hold the feed: \`stasis-relay sessions
--feed FEED\` shows them.`,
    )
    .action(runs(showFeed));
}

async function showFeed(run: Run, name: string, { wrapUnmapped }: Options) {
  const client = await run.connect();
  const feed = await (wrapUnmapped === undefined
    ? client.feed(name)
    : client.changeFeed(name, { wrapUnmapped }));
  const { producers } = await client.producers(name);
  await run.answer({ ...feed, producers }, () => feedLines(feed, producers, Date.now()));
}

function feedLines(feed: Feed, producers: ProducerList["producers"], nowEpochMillis: number): string[] {
  const { head, tail, segmentSize, segments, wrapUnmapped } = feed;
  const held = Math.max(0, tail - head + 1);
  const facts = factLines([
    ["feed", feed.feed],
    ["holds", held === 0 ? "nothing" : `${head} to ${tail} (${counted(held, "message")})`],
    ["segments", `of ${segmentSize} messages`],
    ["unmapped", wrapUnmapped ? "become a UserEvent named ARI-<type>" : "have no AMI form"],
  ]);
  const width = columnsOfOutput();
  return [
    ...facts,
    "",
    ...fittedTable(segments, SEGMENT_COLUMNS, width),
    "",
    ...(producers.length === 0
      ? ["No named producer has sent anything lately."]
      : fittedTable(producers, producerColumns(nowEpochMillis), width)),
  ];
}

const SEGMENT_COLUMNS: readonly Column<Feed["segments"][number]>[] = [
  { title: "SEGMENT", value: ({ segment }) => segment, isNumber: true },
  { title: "MESSAGES", value: ({ messages }) => messages, isNumber: true },
  { title: "SESSIONS", value: ({ references }) => references, isNumber: true },
];

function producerColumns(nowEpochMillis: number): readonly Column<ProducerList["producers"][number]>[] {
  return [
    { title: "PRODUCER", value: ({ producer }) => plain(producer), least: 16 },
    { title: "SEEN", value: ({ lastSeen }) => agoText(lastSeen, nowEpochMillis) },
    { title: "POSITION", value: ({ next }) => next, isNumber: true },
    { title: "KEY", value: ({ key }) => key ?? "-", least: 10, spare: 1 },
    {
      title: "GAPS",
      value: ({ gaps }) => gaps.map(({ first, last }) => `${first}-${last}`).join(" "),
      least: 8,
      spare: 2,
      style: () => "yellow",
    },
  ];
}
