import { LRUCache } from "lru-cache";
import { GroupUnreadableError } from "../../shared/errors.ts";
import { type CursorGroup, isTakeable } from "../../shared/groups/group.ts";
import { type GroupTurnParts, runGroupTurn } from "../../shared/groups/groupTurn.ts";
import type { Follower } from "../../shared/queue/follower.ts";
import type { GroupsWake, GroupWake } from "../../shared/queue/hints.ts";
import type { Outlet } from "../../shared/sessions/outlet.ts";
import { WebhookOutlet } from "../../shared/webhook/outlet.ts";
import type { DeliverParts } from "./deliver.ts";
import { type HandOnParts, HandOns } from "./handOns.ts";

export interface DeliverGroupParts extends GroupTurnParts {
  followerOf(feed: string, segmentSize: number): Follower;
}

/**
 * Runs one turn of the group that a wake names. A wake is only a hint: it is dropped when the group is held or gone, cannot be
 * read, or has nothing to read.
 * @param turnMillis the turn begins no further batch after this time
 * @param restMillis after this time the turn ends as soon as everybody has everything
 */
export async function deliverGroup(
  parts: DeliverGroupParts,
  wake: GroupWake,
  turnMillis: number,
  restMillis = turnMillis,
): Promise<void> {
  const group = await readOrReport(parts, wake);
  const nowEpochMillis = parts.clock.nowEpochMillis();
  if (group === undefined || !isTakeable(group, nowEpochMillis)) return;
  await runGroupTurn(parts, {
    group,
    follower: parts.followerOf(group.feed, group.segmentSize),
    endsAtEpochMillis: nowEpochMillis + turnMillis,
    restsAtEpochMillis: nowEpochMillis + restMillis,
  });
}

/** The same for some groups of a feed, side by side. Those that have work left when their time is over share a wake. */
export async function deliverGroups(
  parts: DeliverGroupParts & HandOnParts,
  { feed, groups }: GroupsWake,
  turnMillis: number,
  restMillis: number,
): Promise<void> {
  const handOns = new HandOns(parts, groups, parts.clock.nowEpochMillis() + turnMillis);
  const turn = (group: string) =>
    deliverGroup({ ...parts, wakes: handOns }, { feed, group }, turnMillis, restMillis).finally(() =>
      handOns.ended(group),
    );
  const ended = await Promise.allSettled(groups.map(turn));
  // Only now: Lambda freezes what is still under way when an invocation ends.
  const failures = ended.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

/**
 * A row that cannot be read is reported, and its wake is dropped: SQS would bring it again and again. Once the row can be
 * read, the sweep wakes the group.
 */
async function readOrReport(
  { groups, log }: DeliverGroupParts,
  { feed, group }: GroupWake,
): Promise<CursorGroup | undefined> {
  try {
    return await groups.readGroup(feed, group);
  } catch (error) {
    if (!(error instanceof GroupUnreadableError)) throw error;
    log.error("a group cannot be read; its wake is dropped", { feed, group, error });
    return undefined;
  }
}

/** The outlets that a process keeps, a few kilobytes each. */
const KEPT_OUTLETS = 5_000;

/**
 * Opens the outlets of sessions in groups. A session's revision grows with its configuration, in one transaction, so an outlet
 * is kept as long as the revision stays.
 */
export function createGroupOutlets(
  parts: Omit<DeliverParts, "cursors" | "wakes" | "followerOf" | "stopping">,
): GroupTurnParts["outletOf"] {
  // A group is handed on while a request is under way, so every request has the whole time: there is no shorter one that a
  // slow lane would repeat.
  const { requestTimeoutMillis } = parts.settings;
  const settings = { ...parts.settings, fastRequestTimeoutMillis: requestTimeoutMillis };
  const outlets = new LRUCache<string, { revision: number; outlet: Outlet }>({ max: KEPT_OUTLETS });
  return async (sessionId, revision) => {
    const kept = outlets.get(sessionId);
    if (kept?.revision === revision) return kept.outlet;
    const session = await parts.sessions.readSession(sessionId);
    if (session?.kind !== "webhook") return undefined;
    const outlet = new WebhookOutlet({ ...parts, settings }, session);
    outlets.set(sessionId, { revision, outlet });
    return outlet;
  };
}
