import { segmentOf } from "../../shared/queue/sequence.ts";
import { firstHeld, tailSegment } from "../../shared/queue/tail.ts";
import type { Scenario } from "./scenario.ts";
import { type State, type Step, tailOf } from "./state.ts";
import { isAtRest } from "./sweep.ts";

/** The invariants of every state. Returns the violations. */
export function problemsOf(state: State, { segmentSize }: Scenario): string[] {
  const problems: string[] = [];
  const numbers = state.given.map(({ number }) => number);
  if (new Set(numbers).size < numbers.length) problems.push(`a number is assigned twice: ${numbers.join()}`);
  const events = state.given.map(({ event }) => event);
  if (new Set(events).size < events.length) problems.push(`an event is appended twice: ${events.join()}`);

  const tail = tailOf(state);
  const held = new Set(state.pages.map(({ first }) => first));
  for (
    let number = firstHeld({ headSegment: state.head.headSegment, segmentSize });
    number <= tail;
    number += 1
  )
    if (!held.has(number))
      problems.push(`page ${number} is missing, the head is at ${state.head.headSegment}`);

  const standing: number[] = [];
  for (const [session, { next, segment }] of Object.entries(state.cursors)) {
    while (standing.length <= segment) standing.push(0);
    standing[segment] = (standing[segment] ?? 0) + 1;
    if (segmentOf(next, segmentSize) < state.head.headSegment)
      problems.push(`${session} stands at ${next}, in a freed segment`);
    if (next > (state.received[session] ?? 0) + 1)
      problems.push(`${session} stands at ${next} and has received ${state.received[session]}`);
  }
  for (let segment = 0; segment < Math.max(standing.length, state.counts.length); segment += 1)
    if ((standing[segment] ?? 0) !== (state.counts[segment] ?? 0))
      problems.push(
        `segment ${segment} counts ${state.counts[segment] ?? 0} references of ${standing[segment] ?? 0} cursors`,
      );
  return problems;
}

/** The invariants of every step. Returns the violations. */
export function problemsOfStep(before: State, { name, state: after }: Step): string[] {
  if (name.startsWith("api")) return [];
  return Object.entries(after.cursors).flatMap(([session, { next }]) => {
    const problems: string[] = [];
    const old = before.cursors[session];
    if (old && next < old.next)
      problems.push(`the cursor of ${session} moved back from ${old.next} to ${next}`);
    const [got, had] = [after.received[session] ?? 0, before.received[session] ?? 0];
    if (got > had + 1 && !name.startsWith("sweep evicts"))
      problems.push(`${session} received ${got} after ${had}`);
    return problems;
  });
}

/** The good end, which must be reachable from every state. */
export function isWell(state: State, scenario: Scenario): boolean {
  if (!isAtRest(state)) return false;
  const tail = tailOf(state);
  const rows = Object.entries(state.cursors);
  const atTail = rows.every(
    ([session, { kind, state: is, next }]) =>
      // An AMI user reads when it is logged in; one that died keeps its row until the next login.
      kind === "ami" ||
      is === "paused" ||
      (is === "parked" && next === tail + 1 && state.received[session] === tail),
  );
  return atTail && (scenario.sweep === "off" || isFreed(state, scenario));
}

/** Whether every segment below the tail's and below all sessions is freed, and its pages deleted unless they expire. */
function isFreed(
  { head, pages, cursors, now, given }: State,
  { segmentSize, times, freeing }: Scenario,
): boolean {
  if (now < times.last) return false;
  const tail = given.reduce((highest, { number }) => Math.max(highest, number), 0);
  const needed = Math.min(
    tailSegment({ next: tail + 1, segmentSize }),
    ...Object.values(cursors).map(({ next }) => segmentOf(next, segmentSize)),
  );
  const waits = pages.some(
    ({ first, appendedAt }) => segmentOf(first, segmentSize) < needed && now - appendedAt <= times.freeGrace,
  );
  return (
    waits ||
    (head.headSegment === needed &&
      (freeing === "expire" || pages.every(({ first }) => segmentOf(first, segmentSize) >= needed)))
  );
}
