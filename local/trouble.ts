import type { Session } from "../client/index.ts";

/** Why a session does not receive at present, and what happens next; undefined when all is well. */
export function troubleOf(session: Session): string | undefined {
  const { state, cursor } = session;
  const attempts = attemptsOf(session);
  if (state === "active" && attempts === 0) return undefined;
  if (state === "paused") return "paused";
  const why = reasonOf(session) === undefined ? "" : `: ${reasonOf(session)}`;
  if (state === "suspended") return `suspended${why}; ${HOW_TO_RESUME}`;
  const next = cursor?.dueAt ? `; next try at ${timeOfDay(cursor.dueAt)}` : "";
  return `${state} after ${attemptsText(attempts)}${why}${next}`;
}

/** The same for a table that has the state and the next try in columns of their own. */
export function whyOf(session: Session): string | undefined {
  const attempts = attemptsOf(session);
  const reason = reasonOf(session) ?? "";
  if (session.state === "suspended") return [reason, HOW_TO_RESUME].filter(Boolean).join("; ");
  if (attempts === 0 || session.state === "paused") return undefined;
  return [attemptsText(attempts), reason].filter(Boolean).join(": ");
}

const HOW_TO_RESUME = 'PATCH it with {"state":"active"} to resume';

function reasonOf({ lastError }: Session): string | undefined {
  return lastError === null ? undefined : [lastError.reason, lastError.detail].filter(Boolean).join(", ");
}

function attemptsOf(session: Session): number {
  return session.kind === "webhook" ? session.attempts : 0;
}

function attemptsText(attempts: number): string {
  return `${attempts} ${attempts === 1 ? "attempt" : "attempts"}`;
}

/** On this machine's clock. */
export function timeOfDay(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 8);
}
