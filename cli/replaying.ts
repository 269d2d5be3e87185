import { RelayCallError } from "../client/relayCallError.ts";
import type { RelayClient } from "../client/relayClient.ts";
import type { Session, WebhookSession } from "../client/types.ts";
import { briefly } from "./failure.ts";
import { interruption, pauseUnless } from "./interruption.ts";
import { plain } from "./output/plain.ts";
import { Progress } from "./output/progress.ts";
import { troubleText } from "./output/sessionTable.ts";

const LOOK_EVERY_MILLIS = 250;

/** What is sent again. */
export interface ReplayRange {
  readonly first: number;
  readonly last: number;
  /** The first number that was asked for; below `first` when it is freed. */
  readonly asked: number;
}

export interface ReplayResult {
  /** `stranded`: it could not be put back, and walks there by itself. */
  readonly kind: "done" | "stopped" | "halted" | "stranded";
  /** The first number that was not accepted. */
  readonly reached: number;
  /** The last one that was to be sent. */
  readonly last: number;
  /** Where the session stands now. */
  readonly next: number;
  readonly failures: number;
  readonly lastError: string;
  readonly seconds: number;
}

/** Moves the session back, waits until it has walked the range, and moves it to where it stood. */
export async function replayRange(
  client: RelayClient,
  before: WebhookSession,
  { first, last }: ReplayRange,
): Promise<ReplayResult> {
  using stop = interruption();
  using progress = new Progress(last - first + 1, "messages");
  const beganAtMillis = performance.now();
  let session: Session = await client.changeSession(before.id, { next: first });
  const failedAt = new Set<string>();
  let lastError = "";
  const reached = () => session.next ?? first;
  const isHalted = () => session.state === "paused" || session.state === "suspended";
  while (!stop.signal.aborted && reached() <= last && !isHalted()) {
    await pauseUnless(LOOK_EVERY_MILLIS, stop.signal);
    // A relay that is away for a moment does not end a replay.
    const looked = await unlessAway(() => client.session(before.id));
    if ("away" in looked) {
      progress.show(reached() - first, `${looked.away}; looking again`);
      continue;
    }
    session = looked.answer;
    const error = session.lastError;
    if (error !== null && error.at !== before.lastError?.at) {
      failedAt.add(error.at);
      lastError = `, the last with ${plain([error.status, error.reason, error.detail].filter(Boolean).join(" "))}`;
    }
    progress.show(Math.min(last + 1, reached()) - first, troubleText(session, Date.now()));
  }
  const facts = { last, reached: reached(), failures: failedAt.size, lastError };
  const isDone = reached() > last;
  const kind = isDone ? "done" : isHalted() ? "halted" : "stopped";
  const result = (ending: ReplayResult["kind"], next: number): ReplayResult => ({
    ...facts,
    kind: ending,
    next,
    seconds: (performance.now() - beganAtMillis) / 1000,
  });
  // Beyond its old place it only gets what is new.
  if (reached() >= before.next) return result(kind, reached());
  const moved = await unlessAway(() => client.changeSession(before.id, { next: before.next }));
  return "away" in moved ? result("stranded", reached()) : result(kind, moved.answer.next ?? before.next);
}

async function unlessAway<T>(
  call: () => Promise<T>,
): Promise<{ readonly answer: T } | { readonly away: string }> {
  try {
    return { answer: await call() };
  } catch (error) {
    if (error instanceof RelayCallError && error.retryable) return { away: briefly(error) };
    throw error;
  }
}
