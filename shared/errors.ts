/**
 * The base class of the relay's own errors. Code and API responses depend on `code`, which is stable. `retryable` says
 * whether the same call may succeed later. `facts` hold the details that a reader needs to act. Message texts are for
 * people only: no code reads them.
 */
export class RelayError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; facts?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.facts = options.facts ?? {};
  }
}

/** A setting is missing, malformed, or breaks a relation that safety depends on. Thrown at start-up only. */
export class SettingsError extends RelayError {
  constructor(setting: string, message: string) {
    super("settings.invalid", `${setting}: ${message}`, { facts: { setting } });
  }
}

/** A stored page does not match its checksum, or its codec is unknown. The session is suspended; no page is skipped. */
export class PageUnreadableError extends RelayError {
  constructor(message: string, facts: { feed: string; first: number; codec: string }, cause?: unknown) {
    super("page.unreadable", message, { facts, cause });
  }
}

/** The cursor has changed since it was read: the lease was lost, or a person moved the session. */
export class FenceLostError extends RelayError {
  constructor(facts: { feed: string; session: string; fence: number }) {
    super("cursor.fence-lost", "the cursor's fence has grown since the read", { facts });
  }
}

/** The packed cursors of a group are malformed, or of a version that this release does not know. */
export class GroupUnreadableError extends RelayError {
  constructor(reason: string) {
    super("group.unreadable", `a group's cursors cannot be read: ${reason}`, { facts: { reason } });
  }
}

/** The sequence number is below the feed's first held number or beyond its tail, so no cursor can stand there. */
export class SequenceNotHeldError extends RelayError {
  constructor(facts: { feed: string; sequence: number; head: number; tail: number }) {
    super(
      "sequence.not-held",
      `sequence ${facts.sequence} is not held: the feed holds ${facts.head} to ${facts.tail}`,
      { facts },
    );
  }
}

/** The producer sent positions that are below its earlier ones but were never appended, or are no longer remembered. */
export class PositionConflictError extends RelayError {
  constructor(facts: { feed: string; producer: string; position: number; expected: number }) {
    super(
      "producer.position-conflict",
      `position ${facts.position} of producer ${facts.producer} was never appended and is below the expected position ${facts.expected}`,
      { facts },
    );
  }
}

/** The append timed out, because of too many writers or slow responses. Resending is safe. */
export class AppendTimeoutError extends RelayError {
  constructor(facts: { feed: string; timeoutMillis: number }, cause?: unknown) {
    super("append.timeout", `the append to feed ${facts.feed} did not finish in ${facts.timeoutMillis} ms`, {
      retryable: true,
      facts,
      cause,
    });
  }
}

/** A transaction conflicted with another one on the same items, or a count does not match. Nothing was written. */
export class TransactionRefusedError extends RelayError {
  constructor(facts: {
    feed: string;
    session: string;
    cause: "conflict" | "reference-missing" | "not-held" | "changed";
  }) {
    super("transaction.refused", `the transaction for session ${facts.session} was refused: ${facts.cause}`, {
      retryable: facts.cause === "conflict",
      facts,
    });
  }
}

/** Another session has this username. */
export class UsernameTakenError extends RelayError {
  constructor(facts: { username: string }) {
    super("username.taken", `there is another AMI user named ${facts.username}`, { facts });
  }
}

/** A block of AMI text is malformed. */
export class AmiSyntaxError extends RelayError {
  constructor(facts: { line: number; reason: string }) {
    super("ami.syntax", `line ${facts.line}: ${facts.reason}`, { facts });
  }
}

/** An event filter is malformed. */
export class EventFilterError extends RelayError {
  constructor(expression: string, reason: string) {
    const shown = expression.length <= 100 ? expression : `${expression.slice(0, 100).toWellFormed()}…`;
    super("filter.invalid", `event filter "${shown}": ${reason}`, { facts: { expression, reason } });
  }
}

/** A session's event filters take too much time. */
export class FilterCostError extends RelayError {
  constructor(reason: string) {
    super("filter.too-costly", `the session's event filters cost too much: ${reason}`, { facts: { reason } });
  }
}

/** The process's time for event filters, or for slow ones, is taken by those of other sessions. This one tries again. */
export class FilterBusyError extends RelayError {
  constructor(facts: { spentMillis: number; characters: number }) {
    super(
      "filter.waits",
      `the session's event filters wait for their share of the process; so far they took ${facts.spentMillis} ms for ${facts.characters} characters of AMI text`,
      { retryable: true, facts },
    );
  }
}

/** Whether an AWS call failed after the SDK's own retries: throttled, timed out, or never reached. */
export function isServiceFailure(error: unknown): boolean {
  return error instanceof Error && "$metadata" in error;
}
