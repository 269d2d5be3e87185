import type { Session } from "../../client/types.ts";
import { type Column, type Note, notedTable } from "./fittedTable.ts";
import type { Style } from "./paint.ts";
import { plain } from "./plain.ts";
import { lengthText, untilText } from "./times.ts";

/** A session, and what a second look at it adds. */
export interface SessionRow {
  readonly session: Session;
  /** How fast it walks the feed; undefined at the first look. */
  readonly messagesPerSecond?: number | undefined;
}

const STATE_STYLES: Readonly<Record<string, Style>> = {
  active: "green",
  backoff: "yellow",
  paused: "cyan",
  suspended: "red",
};

/** A line for each session; on a terminal, a second one for each that does not receive. */
export function sessionLines(
  rows: readonly SessionRow[],
  nowEpochMillis: number,
  width: number | undefined,
): string[] {
  const columns: readonly Column<SessionRow>[] = [
    { title: "SESSION", value: ({ session }) => session.id, least: 13 },
    { title: "FEED", value: ({ session }) => session.feed, least: 8 },
    {
      title: "STATE",
      value: ({ session }) => session.state,
      style: ({ session }) => STATE_STYLES[session.state],
    },
    { title: "LAG", value: ({ session }) => session.lagMessages ?? "-", isNumber: true },
    {
      title: "AGE",
      value: ({ session }) => (session.lagMessages ? lengthText(session.lagSeconds ?? 0) : ""),
      spare: 2,
    },
    {
      title: "RATE",
      value: ({ messagesPerSecond }) => rateText(messagesPerSecond),
      isNumber: true,
      spare: 3,
    },
    { title: "TO", value: ({ session }) => whereTo(session), least: 14, spare: 1 },
  ];
  const trouble: Note<SessionRow> = {
    title: "TROUBLE",
    value: ({ session }) => troubleText(session, nowEpochMillis),
    style: ({ session }) => (session.state === "suspended" ? "red" : "yellow"),
  };
  return notedTable(rows, columns, trouble, width);
}

/** Where the messages of a session go. */
export function whereTo(session: Session): string {
  return plain(session.kind === "webhook" ? session.url : `AMI user ${session.username}`);
}

/** Why a session does not receive, and when it tries again; empty when all is well. */
export function troubleText(session: Session, nowEpochMillis: number): string {
  const { state, lastError, cursor } = session;
  const attempts = session.kind === "webhook" ? session.attempts : 0;
  if (state === "paused" || (state === "active" && attempts === 0)) return "";
  const why =
    lastError === null
      ? ""
      : `${[lastError.status, lastError.reason].filter(Boolean).join(" ")}: ${lastError.detail}`;
  const next =
    state === "suspended"
      ? "until somebody resumes it"
      : cursor?.dueAt
        ? `try ${attempts + 1} ${untilText(cursor.dueAt, nowEpochMillis)}`
        : "";
  return plain([next, why].filter(Boolean).join("; "));
}

export function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return "";
  if (perSecond === 0) return "0/s";
  return `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;
}

/** A session's state in its colour. */
export function stateStyle(state: string): Style | undefined {
  return STATE_STYLES[state];
}
