import { tableLines } from "../../cli/terminal/table.ts";
import type { DeliveryReport } from "./deliveryCheck.ts";
import type { ReplayResult } from "./replay.ts";

export interface SessionResult extends DeliveryReport {
  readonly name: string;
  /** From the first event sent to the last one received. */
  readonly seconds: number;
  /** Whether the relay itself says that the session has read everything. */
  readonly settled: boolean;
}

export interface Summary {
  readonly ok: boolean;
  /** Recorded events. */
  readonly events: number;
  readonly accepted: number;
  readonly refused: number;
  readonly sessions: readonly SessionResult[];
  /** Why it is not ok, in words; empty when it is. */
  readonly problems: readonly string[];
}

/** The verdict over one replay: every recorded event, once, in order, unchanged, to every session. */
export function summarize(
  events: number,
  replayed: ReplayResult,
  sessions: readonly SessionResult[],
): Summary {
  const problems = [
    ...(events === 0 ? ["there was nothing to replay"] : []),
    ...(replayed.refused > 0 ? [`${replayed.refused} events were refused`] : []),
    ...(replayed.accepted < events ? [`only ${replayed.accepted} of ${events} events were accepted`] : []),
    ...(sessions.length === 0 ? ["no session was there to receive anything"] : []),
    ...sessions.flatMap((session) => problemsOf(session, replayed.accepted)),
  ];
  return { ok: problems.length === 0, events, ...replayed, sessions, problems };
}

function problemsOf(session: SessionResult, accepted: number): string[] {
  const missing = Math.max(session.lost, accepted - session.delivered);
  return [
    ...(missing > 0 ? [`${session.name}: ${missing} lost`] : []),
    ...(session.doubled > 0 ? [`${session.name}: ${session.doubled} doubled`] : []),
    ...(session.outOfOrder > 0 ? [`${session.name}: ${session.outOfOrder} out of order`] : []),
    ...(session.altered > 0 ? [`${session.name}: ${session.altered} altered`] : []),
    ...(session.badSignatures > 0 ? [`${session.name}: ${session.badSignatures} with a bad signature`] : []),
    ...(session.settled ? [] : [`${session.name}: the relay does not say that it has read everything`]),
  ];
}

const COLUMNS = [
  ["session", (session: SessionResult) => session.name],
  ["delivered", (session: SessionResult) => `${session.delivered}/${session.expected}`],
  ["lost", (session: SessionResult) => session.lost],
  ["doubled", (session: SessionResult) => session.doubled],
  ["out of order", (session: SessionResult) => session.outOfOrder],
  ["altered", (session: SessionResult) => session.altered],
  ["redelivered", (session: SessionResult) => session.redeliveries],
  ["seconds", (session: SessionResult) => session.seconds.toFixed(1)],
] as const;

/** The summary as a table for people. */
export function formatSummary(summary: Summary): string {
  const table = tableLines([
    COLUMNS.map(([title]) => title),
    ...summary.sessions.map((session) => COLUMNS.map(([, value]) => value(session))),
  ]);
  const verdict = summary.ok
    ? `OK: all ${summary.events} events reached every session once, in order and unchanged`
    : ["FAILED:", ...summary.problems.map((problem) => `  ${problem}`)].join("\n");
  return [...table, "", verdict].join("\n");
}
