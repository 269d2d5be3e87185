import type { Session } from "../client/index.ts";

/** Why a session does not receive at present, and what happens next; undefined when all is well. */
export function troubleOf(session: Session): string | undefined {
  const { state, lastError, cursor } = session;
  const attempts = session.kind === "webhook" ? session.attempts : 0;
  if (state === "active" && attempts === 0) return undefined;
  if (state === "paused") return "paused";
  const why =
    lastError === null ? "" : `: ${[lastError.reason, lastError.detail].filter(Boolean).join(", ")}`;
  if (state === "suspended") return `suspended${why}; PATCH it with {"state":"active"} to resume`;
  const next = cursor?.dueAt ? `; next try at ${timeOfDay(cursor.dueAt)}` : "";
  return `${state} after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}${why}${next}`;
}

function timeOfDay(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 8);
}
