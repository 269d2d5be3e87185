import type { LinkLoss, PbxIdentity } from "../source.ts";
import type { Gap, GapReason, SnapshotReason } from "./records.ts";

/**
 * What is known of one link to a PBX. ARI and AMI have no sequence numbers that could show a loss, so every time in which
 * nobody listened is a gap:
 *
 *   never connected ── up ──▶ connected ── lost ──▶ gap open ── up ──▶ connected, and the gap is reported
 *
 * A bridge that was killed finds itself in the memory as connected. When the link comes up again, that is a gap too.
 */
export interface LinkMemory {
  /** Asterisk's start time, as it said itself when the link was up last: the epoch. */
  readonly startedAtEpochMillis: number | undefined;
  /** Up to this time nothing can be missing. */
  readonly heardAtEpochMillis: number | undefined;
  readonly open: OpenGap | undefined;
}

export interface OpenGap {
  readonly reason: Extract<GapReason, "link" | "takeover" | "reader-too-slow">;
  /** The code of the link's loss. */
  readonly code: string;
  readonly fromEpochMillis: number;
}

/** The code of a gap without a loss that somebody saw. */
const BRIDGE_DOWN = "bridge-down";

export const UNKNOWN_LINK: LinkMemory = {
  startedAtEpochMillis: undefined,
  heardAtEpochMillis: undefined,
  open: undefined,
};

/**
 * What a bridge leaves in the spool before it connects for the first time. If it is killed before it has stored anything
 * else, the next one finds this, and reports what the PBX may have said meanwhile.
 */
export function firstStart(atEpochMillis: number): LinkMemory {
  return { ...UNKNOWN_LINK, open: { reason: "link", code: "bridge-down", fromEpochMillis: atEpochMillis } };
}

/** Whether the link was never up, in this process or an earlier one, and nothing says that one may have been killed. */
export function isUnused({ startedAtEpochMillis, open }: LinkMemory): boolean {
  return startedAtEpochMillis === undefined && open === undefined;
}

/**
 * Something came over the link, or the PBX's state was compared and is right. The last time counts, not the highest: a
 * clock that was ahead and was set back must not leave a time in the future, where the next gap would begin.
 */
export function heard(memory: LinkMemory, atEpochMillis: number): LinkMemory {
  return { ...memory, heardAtEpochMillis: atEpochMillis };
}

/** Opens a gap. One that is open already began earlier and stays. */
export function lost(memory: LinkMemory, loss: Pick<LinkLoss, "code">, atEpochMillis: number): LinkMemory {
  return opened(
    memory,
    loss.code === "reader-too-slow" ? "reader-too-slow" : "link",
    loss.code,
    atEpochMillis,
  );
}

export function takenOver(memory: LinkMemory, atEpochMillis: number): LinkMemory {
  return opened(memory, "takeover", "taken-over", atEpochMillis);
}

function opened(
  memory: LinkMemory,
  reason: OpenGap["reason"],
  code: string,
  atEpochMillis: number,
): LinkMemory {
  if (memory.open !== undefined) return memory;
  // A lost link is often noticed late, so the gap begins with the last thing that was heard.
  const fromEpochMillis = memory.heardAtEpochMillis ?? atEpochMillis;
  return { ...memory, open: { reason, code, fromEpochMillis } };
}

/**
 * An event came although the link is not up: from a connection that has not said yet which PBX it is, and may be lost
 * before it does. The gap before it is reported; another one goes on from here until the link is up. Undefined when this
 * PBX was never connected before.
 */
export function cameEarly(
  memory: LinkMemory,
  atEpochMillis: number,
  gapId: string,
  facts: Gap["facts"] = {},
): { readonly memory: LinkMemory; readonly gap: Gap } | undefined {
  const { startedAtEpochMillis, heardAtEpochMillis, open } = memory;
  if (startedAtEpochMillis === undefined) return undefined;
  const { reason, code } = open ?? { reason: "link", code: BRIDGE_DOWN };
  const fromEpochMillis = open?.fromEpochMillis ?? heardAtEpochMillis ?? atEpochMillis;
  const gap: Gap = {
    id: gapId,
    reason,
    ...span(fromEpochMillis, atEpochMillis),
    epochBeforeEpochMillis: startedAtEpochMillis,
    epochAfterEpochMillis: undefined,
    facts: { ...facts, code },
  };
  return { memory: { ...memory, open: { reason, code, fromEpochMillis: gap.toEpochMillis } }, gap };
}

export interface LinkUp {
  readonly memory: LinkMemory;
  /** Undefined at the first start: nobody has missed anything. */
  readonly gap: Gap | undefined;
  readonly snapshotReason: SnapshotReason;
}

/** The link works again. Closes the open gap, and looks whether it is still the same run of Asterisk. */
export function linkUp(
  memory: LinkMemory,
  pbx: PbxIdentity,
  atEpochMillis: number,
  gapId: string,
  facts: Gap["facts"] = {},
): LinkUp {
  const { startedAtEpochMillis, heardAtEpochMillis, open } = memory;
  const next = {
    startedAtEpochMillis: pbx.startedAtEpochMillis,
    heardAtEpochMillis: atEpochMillis,
    open: undefined,
  };
  if (isUnused(memory)) return { memory: next, gap: undefined, snapshotReason: "start" };
  const restarted = startedAtEpochMillis !== undefined && startedAtEpochMillis !== pbx.startedAtEpochMillis;
  const reason: GapReason = restarted ? "restart" : (open?.reason ?? "link");
  const fromEpochMillis = open?.fromEpochMillis ?? heardAtEpochMillis ?? atEpochMillis;
  const gap: Gap = {
    id: gapId,
    reason,
    ...span(fromEpochMillis, atEpochMillis),
    epochBeforeEpochMillis: startedAtEpochMillis,
    epochAfterEpochMillis: pbx.startedAtEpochMillis,
    facts: { ...facts, code: open?.code ?? BRIDGE_DOWN },
  };
  return { memory: next, gap, snapshotReason: reason };
}

/** The times of a gap. When the clock was set back meanwhile, they hold what both clocks said. */
function span(
  beganAtEpochMillis: number,
  endedAtEpochMillis: number,
): Pick<Gap, "fromEpochMillis" | "toEpochMillis"> {
  return {
    fromEpochMillis: Math.min(beganAtEpochMillis, endedAtEpochMillis),
    toEpochMillis: Math.max(beganAtEpochMillis, endedAtEpochMillis),
  };
}
