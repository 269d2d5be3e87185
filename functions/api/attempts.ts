import type { z } from "@hono/zod-openapi";
import { type Caller, MAY_READ } from "../../shared/access/caller.ts";
import { type Attempt, SHOWN_ATTEMPTS } from "../../shared/sessions/attempt.ts";
import type { ApiParts } from "./parts.ts";
import type { AttemptView, attemptList } from "./schemas/attempts.ts";
import { requireSession } from "./storedSession.ts";

/** What the session's endpoint answered, the newest first. */
export async function listAttempts(
  parts: ApiParts,
  id: string,
  caller: Caller,
): Promise<z.infer<typeof attemptList>> {
  await requireSession(parts, id, caller, MAY_READ);
  const attempts = await parts.attempts.listAttempts(id, SHOWN_ATTEMPTS);
  return { session: id, attempts: attempts.map(viewAttempt) };
}

export function viewAttempt({ sinceEpochMillis, atEpochMillis, ...facts }: Attempt): AttemptView {
  return {
    ...facts,
    since: new Date(sinceEpochMillis).toISOString(),
    at: new Date(atEpochMillis).toISOString(),
  };
}
