import type { Session } from "../client/index.ts";

/** Why a session does not receive at present, and what happens next; undefined when all is well. */
export function troubleOf({ state, attempts, lastError, cursor }: Session): string | undefined {
  if (state === "active" && attempts === 0) return undefined;
  if (state === "paused") return "paused";
  const why =
    lastError === null ? "" : `: ${[lastError.reason, lastError.detail].filter(Boolean).join(", ")}`;
  if (state === "suspended") return `suspended${why}; PATCH it with {"state":"active"} to resume`;
  const next = cursor.dueAt === null ? "" : `; next try at ${timeOfDay(cursor.dueAt)}`;
  return `${state} after ${attempts} ${attempts === 1 ? "attempt" : "attempts"}${why}${next}`;
}

function timeOfDay(iso: string): string {
  return new Date(iso).toTimeString().slice(0, 8);
}
