import { type Caller, MAY_READ } from "../../shared/access/caller.ts";
import { EventFilterError, FilterCostError } from "../../shared/errors.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import type { Message } from "../../shared/queue/message.ts";
import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Tail } from "../../shared/queue/tail.ts";
import { SHOWN_ATTEMPTS } from "../../shared/sessions/attempt.ts";
import { viewAttempt } from "./attempts.ts";
import { type Explanation, explain } from "./explain.ts";
import { requireTail } from "./feeds.ts";
import type { ApiParts } from "./parts.ts";
import type { ExplanationView } from "./schemas/attempts.ts";
import { requireSession } from "./storedSession.ts";

/** Why one message did or did not reach a session. */
export async function explainMessage(
  parts: ApiParts,
  id: string,
  sequence: Sequence,
  caller: Caller,
): Promise<ExplanationView> {
  const { session, cursor } = await requireSession(parts, id, caller, MAY_READ);
  // The attempts after the cursor: what it has passed is recorded by then, or never.
  const attempts = await parts.attempts.listAttempts(id, SHOWN_ATTEMPTS);
  const tail = await requireTail(parts, session.feed);
  const held = await heldMessage(parts, tail, sequence);
  const nowEpochMillis = parts.clock.nowEpochMillis();
  const { outcome, because, text, filter, attempt } = explainOrRefuse({
    session,
    cursor,
    tail,
    sequence,
    held,
    attempts,
    nowEpochMillis,
  });
  return {
    session: id,
    feed: session.feed,
    sequence,
    outcome,
    ...(because && { because }),
    explanation: text,
    ...(filter && { filter }),
    ...(attempt && { attempt: viewAttempt(attempt) }),
    ...(held && { message: viewMessage(held) }),
  };
}

/** @throws HttpProblem 422 when the session's filter cannot be used */
function explainOrRefuse(facts: Parameters<typeof explain>[0]): Explanation {
  try {
    return explain(facts);
  } catch (error) {
    if (!(error instanceof EventFilterError || error instanceof FilterCostError)) throw error;
    throw new HttpProblem(422, error.code, error.message);
  }
}

interface Held {
  readonly message: Message;
  readonly appendedAtEpochMillis: number;
}

async function heldMessage(
  parts: Pick<ApiParts, "pages">,
  { feed, segmentSize, next }: Tail,
  sequence: Sequence,
): Promise<Held | undefined> {
  if (sequence >= next) return undefined;
  const [page] = await parts.pages.read(feed, segmentSize, sequence);
  const message = page?.messages[sequence - page.first];
  return page && message && { message, appendedAtEpochMillis: page.appendedAtEpochMillis };
}

function viewMessage({ message, appendedAtEpochMillis }: Held) {
  const { type, ami } = message;
  return {
    ...(type !== undefined && { type }),
    ...(ami && { amiEvent: ami.name, ...(ami.classes && { amiClasses: [...ami.classes] }) }),
    appendedAt: new Date(appendedAtEpochMillis).toISOString(),
  };
}
