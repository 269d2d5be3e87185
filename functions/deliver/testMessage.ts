import { cursorOf } from "../../shared/groups/membership.ts";
import type { SessionWake } from "../../shared/queue/hints.ts";
import { WebhookOutlet } from "../../shared/webhook/outlet.ts";
import type { DeliverParts } from "./deliver.ts";
import type { DeliverGroupParts } from "./deliverGroup.ts";

/** Whoever asked for an older test has been told that it was not sent in time. */
const VALID_MILLIS = 20_000;

/**
 * Sends a test message to a session's endpoint, outside the queue: the cursor is read and not changed. The answer goes into
 * the session's attempts, where the api waits for it. So the api tests an endpoint without a right to open secrets or to
 * invoke a function.
 */
export async function sendTestMessage(
  parts: DeliverParts & Pick<DeliverGroupParts, "groups">,
  { feed, session: id }: SessionWake,
  test: NonNullable<SessionWake["test"]>,
): Promise<void> {
  const ageMillis = parts.clock.nowEpochMillis() - test.requestedAtEpochMillis;
  if (Math.abs(ageMillis) > VALID_MILLIS) return;
  const session = await parts.sessions.readSession(id);
  if (session?.kind !== "webhook") return;
  const group = session.group && (await parts.groups.readGroup(feed, session.group));
  const cursor = group ? cursorOf(group, id) : await parts.cursors.readCursor(feed, id);
  if (cursor === undefined) return;
  await new WebhookOutlet(parts, session).sendTest(cursor, test.id);
}
