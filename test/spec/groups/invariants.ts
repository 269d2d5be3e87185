import { isOut } from "../../../shared/groups/groupCursor.ts";
import { segmentOf } from "../../../shared/queue/sequence.ts";
import { isAtRest, isFreed } from "./hints.ts";
import type { State, Step } from "./state.ts";
import type { GroupScenario } from "./variants.ts";

/** The invariants of every state. Returns the violations. */
export function problemsOf(state: State): string[] {
  const problems: string[] = [];
  const { group, segmentSize, headSegment, counts, received, wanted } = state;
  for (const [session, cursor] of Object.entries(group?.cursors ?? {})) {
    if (segmentOf(cursor.next, segmentSize) < headSegment)
      problems.push(`${session} stands at ${cursor.next}, in a freed segment`);
    if (cursor.next > (received[session] ?? 0) + 1)
      problems.push(`${session} stands at ${cursor.next} and has received ${received[session]}`);
    const told = wanted[session];
    if (told === undefined) problems.push(`${session} was deleted and is there again`);
    else if ((cursor.stopped === "paused") !== (told === "paused"))
      problems.push(`${session} is not ${told}, as a person was told`);
  }
  for (const session of Object.keys(wanted))
    if (group?.cursors[session] === undefined) problems.push(`${session} is no longer in the group`);
  counts.forEach((counted, segment) => {
    const standing = group?.segment === segment ? 1 : 0;
    if (counted !== standing)
      problems.push(`segment ${segment} counts ${counted} references of ${standing} groups`);
  });
  for (const [session, ranges] of Object.entries(state.begun)) {
    const spans = ranges.map((range) => range.split("-").map(Number));
    for (const [first = 0, last = 0] of spans)
      for (const [otherFirst = 0, otherLast = 0] of spans)
        if (first < otherFirst ? last >= otherFirst : first === otherFirst && last < otherLast)
          problems.push(
            `${session} is sent ${first}-${last} and ${otherFirst}-${otherLast}: not the same batch again`,
          );
  }
  if (state.repeated !== null) problems.push(`${state.repeated} is sent twice though nothing failed`);
  return problems;
}

/** The invariants of every step. Returns the violations. */
export function problemsOfStep(before: State, { state: after }: Step): string[] {
  const problems: string[] = [];
  for (const [session, cursor] of Object.entries(after.group?.cursors ?? {})) {
    const old = before.group?.cursors[session];
    if (old?.generation === cursor.generation && cursor.next < old.next)
      problems.push(`the cursor of ${session} moved back from ${old.next} to ${cursor.next}`);
  }
  for (const { token, requests } of after.deliverers)
    for (const [session, { first, generation }] of Object.entries(requests)) {
      const was = before.deliverers.find((each) => each.token === token)?.requests[session];
      if (was?.first === first && was.generation === generation) continue;
      const cursor = before.group?.cursors[session];
      if (cursor === undefined || cursor.stopped !== undefined || cursor.generation !== generation)
        problems.push(`${session} is sent ${first} after a person was told otherwise`);
    }
  return problems;
}

/** The good end, which must be reachable from every state. */
export function isWell(state: State, scenario: GroupScenario): boolean {
  if (!isAtRest(state, scenario)) return false;
  const { group, tail, received } = state;
  if (scenario.sweep === "on" && !isFreed(state)) return false;
  if (group === null) return true;
  return (
    group.state === "parked" &&
    Object.entries(group.cursors).every(
      ([session, cursor]) =>
        cursor.stopped !== undefined ||
        (cursor.next === tail + 1 && received[session] === tail) ||
        (scenario.hung.includes(session) && isOut(cursor)),
    )
  );
}
