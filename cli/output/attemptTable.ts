import type { Attempt } from "../../client/types.ts";
import { type Column, type Note, notedTable } from "./fittedTable.ts";
import { plain } from "./plain.ts";
import { agoText } from "./times.ts";

/** What an endpoint answered, the newest first. */
export function attemptLines(
  attempts: readonly Attempt[],
  nowEpochMillis: number,
  width: number | undefined,
): string[] {
  const columns: readonly Column<Attempt>[] = [
    { title: "WHEN", value: ({ at }) => agoText(at, nowEpochMillis) },
    {
      title: "OUTCOME",
      value: ({ outcome }) => outcome,
      style: ({ outcome }) => (outcome === "accepted" ? "green" : "red"),
    },
    { title: "STATUS", value: ({ status }) => status ?? "-" },
    { title: "MESSAGES", value: rangeText, least: 12 },
    { title: "REQUESTS", value: ({ requests }) => requests, spare: 2 },
    { title: "TOOK", value: ({ durationMillis }) => `${durationMillis} ms`, spare: 1 },
  ];
  const why: Note<Attempt> = {
    title: "WHY",
    value: ({ reason, detail }) => plain([reason, detail].filter(Boolean).join(": ")),
    style: () => "yellow",
  };
  return notedTable(attempts, columns, why, width);
}

function rangeText({ first, last, messages, gap, test }: Attempt): string {
  if (test !== undefined) return "test message";
  if (gap !== undefined) return plain(`gap ${first}-${last} (${gap})`);
  return first === last ? `${first}` : `${first}-${last} (${messages})`;
}

/** One attempt as a sentence. */
export function attemptText(attempt: Attempt, nowEpochMillis: number): string {
  const { outcome, status, reason, detail, at, durationMillis } = attempt;
  const answer = [status, reason, detail].filter((part) => part !== undefined && part !== "").join(", ");
  return plain(`${outcome} ${agoText(at, nowEpochMillis)} (${answer}) after ${durationMillis} ms`);
}
