import type { Caller } from "../../shared/access/caller.ts";
import type { RateLimit } from "../../shared/access/rateLimit.ts";
import { HttpProblem } from "../../shared/http/problem.ts";
import { SHOWN_ATTEMPTS } from "../../shared/sessions/attempt.ts";
import { viewAttempt } from "./attempts.ts";
import type { ApiParts } from "./parts.ts";
import type { AttemptView } from "./schemas/attempts.ts";
import { isWebhook, requireChangeable } from "./storedSession.ts";
import type { Waiting } from "./waiting.ts";

/** The endpoint's 15 seconds, and the way to deliver and back. */
const ANSWER_MILLIS = 20_000;

/**
 * Lets deliver send a test message to the session's endpoint, and waits for the answer in the session's attempts.
 * @param limit one test of a session in a second
 */
export async function testSession(
  parts: ApiParts,
  { limit, waiting }: { readonly limit: Pick<RateLimit, "take">; readonly waiting: Waiting },
  id: string,
  caller: Caller,
): Promise<AttemptView> {
  const stored = await requireChangeable(parts, id, caller);
  if (!isWebhook(stored))
    throw new HttpProblem(
      409,
      "session.kind",
      "An AMI user has no endpoint to test: log in to the AMI gateway as this user.",
    );
  const requestedAtEpochMillis = parts.clock.nowEpochMillis();
  const retryAfterMillis = limit.take(id, 1, requestedAtEpochMillis);
  if (retryAfterMillis > 0)
    throw new HttpProblem(429, "test.rate-limited", "A session can be tested once a second.", {
      retryAfterSeconds: Math.ceil(retryAfterMillis / 1000),
    });
  const test = { id: parts.newTestId(), requestedAtEpochMillis };
  await parts.wakes.sendTest(stored.cursor, test);
  const attempt = await waiting.until(ANSWER_MILLIS, async () => {
    const attempts = await parts.attempts.listAttempts(id, SHOWN_ATTEMPTS);
    return attempts.find((each) => each.test === test.id);
  });
  if (attempt === undefined)
    throw new HttpProblem(
      503,
      "test.unanswered",
      "The test was not finished in time: the relay is busy or stops. The session's attempts may still show it.",
      { retryAfterSeconds: 1 },
    );
  return viewAttempt(attempt);
}
