import { RelayError } from "../errors.ts";
import type { Batch } from "../sessions/batch.ts";
import type { DeliveryFailure } from "../sessions/cursor.ts";
import type { OutletAnswer } from "../sessions/outlet.ts";
import { fail, type GroupCursor, pass, postpone, suspend } from "./groupCursor.ts";

/** What a session's batch came to: how its cursor changes, what people see, and when the session is due. */
export interface Outcome {
  readonly change: (cursor: GroupCursor) => GroupCursor;
  /** The session stops or waits, which is written at once. */
  readonly failure?: DeliveryFailure | undefined;
  readonly dueAtEpochMillis?: number | undefined;
}

/** How long a session waits when the relay itself could not serve it. */
const OWN_FAILURE_WAIT_MILLIS = 5_000;

/** How long a session with a slow filter waits for its turn. The wait grows with each further time. */
const FILTER_WAIT_MILLIS = 1_000;
const LONGEST_FILTER_WAIT_MILLIS = 15_000;

/** Longest error message in a row: it may quote a filter. */
const MAX_DETAIL_CHARACTERS = 300;

export function outcomeOf(batch: Batch, answer: OutletAnswer, nowEpochMillis: number): Outcome {
  switch (answer.kind) {
    case "accepted":
      return passed(batch, nowEpochMillis);
    case "failed": {
      const { failure, dueAtEpochMillis } = answer;
      const times = { dueAtEpochMillis, nowEpochMillis };
      return { change: (cursor) => fail(cursor, times), failure, dueAtEpochMillis };
    }
    case "given-up":
      return suspended(answer.failure, nowEpochMillis);
    case "outstayed":
      throw new RangeError("groups have no lanes");
  }
}

/** The batch was accepted, or had no messages. */
export function passed({ last, messages, tellsGap }: Batch, nowEpochMillis: number): Outcome {
  const sentLast = messages.at(-1)?.sequence;
  return { change: (cursor) => pass(cursor, { last, sentLast, tellsGap }, nowEpochMillis) };
}

/** An error of one session does not stop the others of its group. */
export function outcomeOfError(error: unknown, attempts: number, nowEpochMillis: number): Outcome {
  switch (error instanceof RelayError ? error.code : undefined) {
    case "filter.waits": {
      const waitMillis = Math.min(LONGEST_FILTER_WAIT_MILLIS, (attempts + 1) * FILTER_WAIT_MILLIS);
      const times = { dueAtEpochMillis: nowEpochMillis + waitMillis, nowEpochMillis };
      return { change: (cursor) => fail(cursor, times), failure: failureOf(error, nowEpochMillis), ...times };
    }
    // An unreadable page must not be skipped silently: the session stops until a person repairs it. So it does for a bad
    // filter.
    case "page.unreadable":
    case "filter.invalid":
    case "filter.too-costly":
      return suspended(failureOf(error, nowEpochMillis), nowEpochMillis);
    default: {
      const dueAtEpochMillis = nowEpochMillis + OWN_FAILURE_WAIT_MILLIS;
      return { change: (cursor) => postpone(cursor, dueAtEpochMillis), dueAtEpochMillis };
    }
  }
}

function suspended(failure: DeliveryFailure, nowEpochMillis: number): Outcome {
  return { change: (cursor) => suspend(cursor, nowEpochMillis), failure };
}

function failureOf(error: unknown, atEpochMillis: number): DeliveryFailure {
  const { code, message } =
    error instanceof RelayError ? error : { code: "relay.failed", message: String(error) };
  return { reason: code, detail: message.slice(0, MAX_DETAIL_CHARACTERS), atEpochMillis };
}
