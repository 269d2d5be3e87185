import { RelayError } from "../errors.ts";
import type { DeliveryFailure } from "../sessions/cursor.ts";
import { type CursorGroup, type LateOutcome, settle } from "./group.ts";
import { type GroupPort, writeCrossing } from "./heldGroup.ts";
import type { Outcome } from "./outcome.ts";

type GroupName = Pick<CursorGroup, "feed" | "group">;

export interface LateParts {
  readonly groups: GroupPort & {
    writeError(feed: string, session: string, failure: DeliveryFailure): Promise<void>;
  };
  readonly wakes: { sendWake(group: GroupName, delayMillis?: number): Promise<void> };
}

/** Other writers of the group are its holder, once per page, and people. */
const MOST_TRIES = 50;

/**
 * Writes the outcomes of requests that outlived their turn, whoever holds the group now, then sends a wake: the sessions may
 * have more to read, and the group may have been parked while the requests were under way.
 */
export async function settleLate(
  { groups, wakes }: LateParts,
  { feed, group }: GroupName,
  outcomes: readonly (LateOutcome & Outcome)[],
  nowEpochMillis: number,
): Promise<void> {
  await writeErrors(groups, feed, outcomes);
  let row = await groups.readGroup(feed, group);
  for (let tries = 1; ; tries += 1) {
    const change = row && settle(row, outcomes);
    if (row === undefined || change === undefined) {
      if (tries === 1) return;
      // The outcome may be there by a write of this turn whose answer was lost. A surplus wake does no harm.
      break;
    }
    const written = await writeCrossing(groups, row, change);
    if (written.isWritten) break;
    if (tries === MOST_TRIES)
      throw new RelayError("group.busy", `the group ${group} kept changing while an outcome was written`, {
        retryable: true,
      });
    row = written.row;
  }
  const dues = outcomes.map(({ dueAtEpochMillis = nowEpochMillis }) => dueAtEpochMillis);
  await sendWakes(wakes, { feed, group }, dues, nowEpochMillis);
}

/** What people see of sessions that fail. */
export async function writeErrors(
  groups: LateParts["groups"],
  feed: string,
  outcomes: readonly ({ readonly session: string } & Pick<Outcome, "failure">)[],
): Promise<void> {
  await Promise.all(
    outcomes.map(async ({ session, failure }) => {
      if (failure !== undefined) await groups.writeError(feed, session, failure);
    }),
  );
}

/** Whoever writes that sessions wait sends the wakes for their due times, one for each second. */
export async function sendWakes(
  wakes: LateParts["wakes"],
  group: GroupName,
  dueAtEpochMillis: readonly number[],
  nowEpochMillis: number,
): Promise<void> {
  const delays = new Set(
    dueAtEpochMillis.map((each) => 1000 * Math.ceil(Math.max(0, each - nowEpochMillis) / 1000)),
  );
  await Promise.all([...delays].map((delayMillis) => wakes.sendWake(group, delayMillis)));
}
