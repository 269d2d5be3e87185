import type { Session, WebhookSession } from "../../client/index.ts";
import { count, counted, relative } from "./format.ts";

/** What a session is for people: its endpoint, or its user. */
export function nameOf(session: Session): string {
  return session.kind === "ami" ? session.username : session.url;
}

/** What the session does now, and what will happen next. */
export function situation(session: Session, nowEpochMillis: number): string {
  return session.kind === "ami" ? ofAmi(session, nowEpochMillis) : ofWebhook(session, nowEpochMillis);
}

function ofWebhook(session: WebhookSession, now: number): string {
  const { cursor, lagMessages, attempts, lastError } = session;
  const behind = lagMessages === 0 ? "everything is delivered" : `${counted(lagMessages, "message")} behind`;
  switch (cursor.state) {
    case "parked":
      return lagMessages === 0
        ? "Waits at the end of the queue: everything is delivered."
        : `Parked, ${behind}; the next wake or the sweep brings it on.`;
    case "signalled":
      return `Woken, ${behind}; a turn will take it.`;
    case "active":
      return `A turn holds it and sends; ${behind}.`;
    case "backoff": {
      const isDue = cursor.dueAt !== null && Date.parse(cursor.dueAt) <= now;
      const next =
        cursor.dueAt === null ? "" : ` The next one is ${isDue ? "due" : relative(cursor.dueAt, now)}.`;
      const why = lastError === null ? "" : `: ${lastError.detail.replace(/\.$/, "")}`;
      return `${counted(attempts, "attempt")} in a row failed${why}.${next}`;
    }
    case "paused":
      return `Somebody has paused it; ${counted(lagMessages, "message")} wait.`;
    case "suspended":
      return `Stopped until somebody resumes it; ${counted(lagMessages, "message")} wait.${lastError ? ` ${lastError.detail}` : ""}`;
  }
}

function ofAmi(session: Extract<Session, { kind: "ami" }>, now: number): string {
  if (session.state === "paused") return "Paused: it cannot log in.";
  if (session.state === "suspended")
    return "Its position lies beyond the feed's end; seek to one that exists.";
  if (session.next === null) return "Has no position: each login begins with the next event.";
  const lag = session.lagMessages ?? 0;
  if (session.connectedSince !== null)
    return `Connected since ${relative(session.connectedSince, now)}; ${counted(lag, "message")} behind.`;
  return `Not connected; its next login goes on at ${count(session.next)}, ${counted(lag, "message")} behind.`;
}
