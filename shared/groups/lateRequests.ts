import { RelayError } from "../errors.ts";
import type { DeliveryFailure } from "../sessions/cursor.ts";
import { type CursorGroup, type LateRequest, settle } from "./group.ts";
import { type GroupPort, writeCrossing } from "./heldGroup.ts";
import type { Outcome } from "./outcome.ts";

export interface LateParts {
  readonly groups: GroupPort & {
    writeError(feed: string, session: string, failure: DeliveryFailure): Promise<void>;
  };
  readonly wakes: {
    sendWake(group: Pick<CursorGroup, "feed" | "group">, delayMillis?: number): Promise<void>;
  };
}

/** Other writers of the group are its holder, once per page, and people. */
const MOST_TRIES = 50;

/**
 * Writes the outcome of a request that outlived its turn, whoever holds the group now, then sends a wake: the session may have
 * more to read, and the group may have been parked while the request was under way.
 */
export async function settleLate(
  { groups, wakes }: LateParts,
  { feed, group }: Pick<CursorGroup, "feed" | "group">,
  request: LateRequest,
  { change: outcomeOf, failure, dueAtEpochMillis }: Outcome,
  nowEpochMillis: number,
): Promise<void> {
  if (failure !== undefined) await groups.writeError(feed, request.session, failure);
  let row = await groups.readGroup(feed, group);
  for (let tries = 1; ; tries += 1) {
    const change = row && settle(row, request, outcomeOf);
    if (row === undefined || change === undefined) return;
    const written = await writeCrossing(groups, row, change);
    if (written.isWritten) break;
    if (tries === MOST_TRIES)
      throw new RelayError("group.busy", `the group ${group} kept changing while an outcome was written`, {
        retryable: true,
      });
    row = written.row;
  }
  await wakes.sendWake({ feed, group }, Math.max(0, (dueAtEpochMillis ?? 0) - nowEpochMillis));
}
