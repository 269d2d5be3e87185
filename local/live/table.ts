import { styleText } from "node:util";
import { alignedRows, type Colour, type Column, GAP } from "./columns.ts";
import type { FeedRow, Picture, SessionRow } from "./picture.ts";
import type { Size } from "./screen.ts";
import { truncated } from "./text.ts";

/** What the table says beside what changes. */
export interface Surroundings {
  /** At the top. */
  readonly title: string;
  /** At the bottom. */
  readonly footer: string;
}

const FEED_COLUMNS: readonly Column<FeedRow>[] = [
  { title: "feed", text: ({ feed }) => feed },
  { title: "last number", width: 11, align: "right", text: ({ tail }) => String(tail) },
  { title: "appended/s", width: 10, align: "right", text: (row) => rate(row.appendedPerSecond) },
  { title: "delivered/s", width: 11, align: "right", text: (row) => rate(row.deliveredPerSecond) },
  {
    title: "refused",
    width: 7,
    align: "right",
    text: ({ refused }) => String(refused),
    colour: ({ refused }) => (refused > 0 ? "red" : undefined),
  },
  { title: "sessions", width: 8, align: "right", text: ({ sessions }) => String(sessions) },
];

const STATE_COLOURS: Readonly<Record<SessionRow["state"], Colour>> = {
  active: "green",
  backoff: "yellow",
  suspended: "red",
  paused: "dim",
  away: "dim",
};

const SESSION_COLUMNS: readonly Column<SessionRow>[] = [
  { title: "session", text: ({ name }) => name },
  { title: "feed", text: ({ feed }) => feed },
  { title: "state", width: 9, text: ({ state }) => state, colour: ({ state }) => STATE_COLOURS[state] },
  { title: "lag", width: 8, align: "right", text: ({ lagMessages }) => String(lagMessages ?? "–") },
  { title: "delivered/s", width: 11, align: "right", text: (row) => rate(row.deliveredPerSecond) },
  { title: "next try", width: 8, text: ({ nextTry }) => nextTry ?? "" },
];

/** The log above keeps some of the screen. */
const SHARE_OF_SCREEN = 2 / 3;
/** The empty line, the title, two rows of column titles and the footer. */
const FIXED_LINES = 5;
const LEAST_LINES = 2;
const LEAST_WIDTH = 20;

/** The lines of the table, as wide and as high as the terminal allows. */
export function tableOf(
  picture: Picture,
  { title, footer }: Surroundings,
  { columns, rows }: Size,
): readonly string[] {
  // The last column stays empty: a terminal that has written it may or may not have begun the next line.
  const width = columns - 1;
  const room = Math.floor(rows * SHARE_OF_SCREEN) - FIXED_LINES;
  const top = ["", styleText("bold", truncated(title, width))];
  const bottom = styleText("dim", truncated(footer, width));
  if (room < 2 * LEAST_LINES || width < LEAST_WIDTH) return [...top, bottom].slice(0, Math.max(1, rows - 1));

  const feeds = alignedRows(FEED_COLUMNS, picture.feeds, width);
  const sessions = alignedRows(SESSION_COLUMNS, picture.sessions, width);
  const feedRows = feeds.lines.map((line) => [line]);
  const sessionRows = sessions.lines.map((line, index) => {
    const why = picture.sessions[index]?.why;
    return why === undefined ? [line] : [line, `${GAP}${truncated(why, width - GAP.length)}`];
  });
  const left = Math.max(LEAST_LINES, room - linesOf(sessionRows), Math.floor(room / 3));
  const feedLines = bounded(feedRows, left, picture.hasMoreFeeds, "no feeds yet");
  const sessionLines = bounded(
    sessionRows,
    room - feedLines.length,
    picture.hasMoreSessions,
    "no sessions yet",
  );
  return [...top, feeds.titles, ...feedLines, sessions.titles, ...sessionLines, bottom].map((line) =>
    line.trimEnd(),
  );
}

/** As many rows as there is room for, whole, and how many there are besides. */
function bounded(
  rows: readonly (readonly string[])[],
  room: number,
  hasMore: boolean,
  none: string,
): string[] {
  if (rows.length === 0) return [styleText("dim", none)];
  if (!hasMore && linesOf(rows) <= room) return rows.flat();
  let [shownRows, used] = [0, 1];
  for (const row of rows) {
    used += row.length;
    if (used > room) break;
    shownRows++;
  }
  const left = rows.length - shownRows;
  const more = `… and ${hasMore ? "more than " : ""}${left.toLocaleString("en")} more`;
  return [...rows.slice(0, shownRows).flat(), styleText("dim", more)];
}

function linesOf(rows: readonly (readonly string[])[]): number {
  return rows.reduce((sum, row) => sum + row.length, 0);
}

/** Whole numbers, and one digit more for what is slow. */
function rate(perSecond: number | null): string {
  if (perSecond === null) return "–";
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}
