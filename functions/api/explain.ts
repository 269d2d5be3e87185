import type { Message } from "../../shared/queue/message.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import { firstHeld, type Tail } from "../../shared/queue/tail.ts";
import type { Attempt } from "../../shared/sessions/attempt.ts";
import { type Cursor, isDue, isHeld } from "../../shared/sessions/cursor.ts";
import { type Rejection, rejectionOf } from "../../shared/sessions/rejection.ts";
import type { Session } from "../../shared/sessions/session.ts";

/** What is known of a session and a number of its feed. */
export interface ExplainedFacts {
  readonly session: Session;
  /** Undefined for an AMI user without a position. */
  readonly cursor: Cursor | undefined;
  readonly tail: Pick<Tail, "next" | "headSegment" | "segmentSize">;
  readonly sequence: Sequence;
  /** Undefined when the message is not held. */
  readonly held: { readonly message: Message; readonly appendedAtEpochMillis: number } | undefined;
  /** The newest first, as far as they are kept. */
  readonly attempts: readonly Attempt[];
  readonly nowEpochMillis: number;
}

/** What became of one message for one session. */
export interface Explanation {
  readonly outcome:
    | "delivered"
    | "passed"
    | "filtered"
    | "gap"
    | "in-flight"
    | "waiting"
    | "not-appended"
    | "freed"
    | "expired"
    | "no-position";
  /** What a waiting message waits for. */
  readonly because?: "backoff" | "paused" | "suspended" | "batch" | "wake" | "connection" | undefined;
  /** For people. */
  readonly text: string;
  readonly filter?: Rejection | undefined;
  /** The request that brought or reported it, or the last one that failed to. */
  readonly attempt?: Attempt | undefined;
}

/**
 * Why a message did or did not reach a session, from the rows alone. What was delivered before the record of attempts begins
 * is only known to be passed. A filter counts as it is now.
 */
export function explain(facts: ExplainedFacts): Explanation {
  const { session, cursor, tail, sequence, held } = facts;
  if (sequence >= tail.next)
    return {
      outcome: "not-appended",
      text: `The feed ends at ${tail.next - 1}: this number is not appended yet.`,
    };
  const gap = gapOf(facts);
  if (gap !== undefined) return gap;
  const filter = held && rejectionOf(held.message, formatOf(session), filterOf(session));
  if (filter !== undefined) return { outcome: "filtered", filter, text: filteredText(filter) };
  if (cursor === undefined)
    return {
      outcome: "no-position",
      text: "This AMI user has no position: it was sent to the connections that were open when it was appended.",
    };
  return sequence < cursor.next ? explainPassed(facts) : explainAhead(facts, cursor);
}

function gapOf({ cursor, attempts, sequence }: ExplainedFacts): Explanation | undefined {
  const { gap } = cursor ?? {};
  if (gap !== undefined && covers(gap, sequence))
    return {
      outcome: "gap",
      text: `The session will never get it (${gap.reason}): the gap ${gap.first} to ${gap.last} is not reported yet.`,
    };
  const attempt = attempts.find(
    (each) => each.gap !== undefined && each.outcome === "accepted" && covers(each, sequence),
  );
  if (attempt === undefined) return undefined;
  const text = `The session never got it (${attempt.gap}): the gap ${attempt.first} to ${attempt.last} was reported.`;
  return { outcome: "gap", attempt, text };
}

function explainPassed({ session, tail, sequence, held, attempts }: ExplainedFacts): Explanation {
  const attempt = attempts.find(
    (each) => isOfMessages(each) && each.outcome === "accepted" && covers(each, sequence),
  );
  if (attempt !== undefined)
    return { outcome: "delivered", attempt, text: `The endpoint accepted it with status ${attempt.status}.` };
  if (held === undefined)
    return sequence < firstHeld(tail)
      ? {
          outcome: "freed",
          text: "The session has passed it, and it is freed. No attempt at it is recorded any more.",
        }
      : { outcome: "expired", text: "Its page has expired. The session stands behind it." };
  if (session.kind === "ami")
    return {
      outcome: "passed",
      text: "The user's connection has passed it: it was sent, or skipped by a seek.",
    };
  const isOlder = held.appendedAtEpochMillis < session.createdAtEpochMillis;
  return {
    outcome: "passed",
    text: isOlder
      ? "The session has passed it. It was appended before the session was created, so the session may have begun behind it; otherwise it was delivered before the recorded attempts begin."
      : "The session has passed it: it was delivered, but its attempt is not recorded (any more), or it was skipped by a seek.",
  };
}

function explainAhead(facts: ExplainedFacts, cursor: Cursor): Explanation {
  const { session, held, sequence, attempts, nowEpochMillis } = facts;
  if (held === undefined)
    return {
      outcome: "expired",
      text: "Its page has expired. The session will be told a gap when it gets there.",
    };
  const failed = attempts.find(
    (each) => isOfMessages(each) && each.outcome === "failed" && covers(each, sequence),
  );
  const ahead = sequence - cursor.next;
  const behind =
    ahead === 0
      ? "It is the session's next message."
      : ahead === 1
        ? "1 number of the feed comes before it."
        : `${ahead} numbers of the feed come before it.`;
  const waiting = (because: Explanation["because"], text: string): Explanation => ({
    outcome: "waiting",
    because,
    ...(failed && { attempt: failed }),
    text: `${text} ${behind}`,
  });
  switch (cursor.state) {
    case "paused":
      return waiting("paused", "The session is paused.");
    case "suspended":
      return waiting("suspended", `The session is suspended${errorText(cursor)}, until a person resumes it.`);
    case "backoff": {
      const due = isDue(cursor, nowEpochMillis)
        ? "The next attempt is due"
        : `The next attempt is at ${new Date(cursor.dueAtEpochMillis ?? 0).toISOString()}`;
      return waiting(
        "backoff",
        `${due}, after ${cursor.attempts === 1 ? "1 failure" : `${cursor.attempts} failures in a row`}${errorText(cursor)}.`,
      );
    }
    case "active":
      if (session.kind === "ami") return waiting("connection", "The user's connection is on its way to it.");
      if (!isHeld(cursor, nowEpochMillis))
        return waiting(
          "wake",
          "The last turn died or was cut. The sweep starts the next one within a minute.",
        );
      if (cursor.batchLast !== undefined && sequence <= cursor.batchLast)
        return {
          outcome: "in-flight",
          text: `It is being sent, in the batch ${cursor.next} to ${cursor.batchLast}.`,
        };
      return waiting("batch", "The session is at work on the messages before it.");
    case "parked":
    case "signalled":
      if (session.kind === "ami") return waiting("connection", "No client is logged in as this user.");
      return waiting("wake", "The session is about to be woken, within a minute if a hint was lost.");
  }
}

function errorText({ lastError }: Cursor): string {
  if (lastError === undefined) return "";
  const { reason, detail } = lastError;
  return ` (${reason}: ${detail})`;
}

/** Whether the entry is about messages of the feed, and not about a gap or a test. */
function isOfMessages({ gap, test }: Attempt): boolean {
  return gap === undefined && test === undefined;
}

function covers({ first, last }: { first: Sequence; last: Sequence }, sequence: Sequence): boolean {
  return first <= sequence && sequence <= last;
}

function formatOf(session: Session) {
  return session.kind === "ami" ? "ami" : session.format;
}

function filterOf(session: Session) {
  if (session.kind === "webhook") return session.filter;
  const { read, eventFilters } = session;
  return { read, eventFilters };
}

const FILTERED: Readonly<Record<Rejection["part"], string>> = {
  form: "it has no form in the session's format",
  class: "its AMI event has no known class",
  types: "its Stasis type is not one of `types`",
  read: "its classes are not all in `read`",
  events: "its AMI event is not one of `events`",
  eventFilters: "no event filter includes it",
};

function filteredText({ part, line }: Rejection): string {
  const why = line === undefined ? FILTERED[part] : "an event filter excludes it";
  return `The session does not want it: ${why}.`;
}
