import {
  type CursorGroup,
  cross,
  isCountedBehind,
  isTakeable,
  needsTurn,
  signal,
} from "../../../shared/groups/group.ts";
import { tailSegment } from "../../../shared/queue/tail.ts";
import {
  freeName,
  NOW,
  type Notifier,
  replace,
  type State,
  type Step,
  type Sweeper,
  spend,
} from "./state.ts";
import type { GroupScenario } from "./variants.ts";
import { write } from "./writes.ts";

/** Appends: a page, then its notify. */
export function* appendSteps(state: State, { notifiers }: GroupScenario): Generator<Step> {
  if (state.toAppend === 0) return;
  const tail = state.tail + 1;
  yield {
    name: `${tail} is appended`,
    state: {
      ...state,
      tail,
      toAppend: state.toAppend - 1,
      notifies: state.notifies + Math.min(1, notifiers),
    },
  };
}

/** Notify wakes a parked group that has a session with something to read: first the wake, then the mark. */
export function* notifySteps(state: State, scenario: GroupScenario): Generator<Step> {
  const { notifiers, notifies, tail } = state;
  if (notifies > 0 && notifiers.length < scenario.notifiers) {
    const name = freeName(notifiers, "notify");
    const notifier: Notifier = { name, at: "list", tail, read: null };
    yield {
      name: `${name} gets a hint and reads the tail: ${tail}`,
      state: { ...state, notifies: notifies - 1, notifiers: [...notifiers, notifier] },
    };
  }
  for (const notifier of notifiers)
    for (const step of stepsOf(notifier, state, scenario))
      yield { ...step, name: `${notifier.name} ${step.name}` };
}

function* stepsOf(notifier: Notifier, state: State, scenario: GroupScenario): Generator<Step> {
  const becomes = (change: Partial<Notifier>, from: State = state): State => ({
    ...from,
    notifiers: replace(from.notifiers, notifier.name, { ...notifier, ...change }),
  });
  const ended = (from: State = state): State => ({
    ...from,
    notifiers: replace(from.notifiers, notifier.name),
  });
  const marksFirst = scenario.variant === "mark before wake";
  const { read, tail, at } = notifier;
  if (at === "list") {
    const { group } = state;
    const isWoken = group !== null && group.state === "parked" && needsTurn(group, tail, NOW);
    yield {
      name: `lists the groups and ${isWoken ? "will wake it" : "has none to wake"}`,
      state: isWoken ? becomes({ at: marksFirst ? "mark" : "sendWake", read: group }) : ended(),
    };
  } else if (at === "sendWake") {
    const woken = { ...state, wakes: state.wakes + 1 };
    yield { name: "sends a wake", state: marksFirst ? ended(woken) : becomes({ at: "mark" }, woken) };
  } else if (read !== null)
    for (const { state: marked, note } of write(state, scenario, "mark", read, signal(NOW)))
      yield {
        name: `marks the group${note}`,
        state: marksFirst ? becomes({ at: "sendWake" }, marked) : ended(marked),
      };
}

/** The sweep: lost wakes, late crossings, freeing. */
export function* sweepSteps(state: State, scenario: GroupScenario): Generator<Step> {
  const { sweeper, group, tail } = state;
  if (sweeper !== null)
    for (const step of sweeperSteps(sweeper, state, scenario)) yield { ...step, name: `sweep ${step.name}` };
  else if (scenario.sweep === "on" && (isAtRest(state, scenario) || state.faults.earlySweep > 0)) {
    const begun: Sweeper = { at: needsWake(group, tail) ? "sendWake" : "cross", tail, read: group };
    if (begun.at === "sendWake" || isBehind(group) || isFreeable(state))
      yield {
        name: "sweep reads the tail and the group",
        state: { ...(isAtRest(state, scenario) ? state : spend(state, "earlySweep")), sweeper: begun },
      };
  }
}

function* sweeperSteps(sweeper: Sweeper, state: State, scenario: GroupScenario): Generator<Step> {
  const { at, read } = sweeper;
  const becomes = (change: Partial<Sweeper>, from: State = state): State => ({
    ...from,
    sweeper: { ...sweeper, ...change },
  });
  if (at === "sendWake") {
    const then = read?.state === "parked" ? "mark" : "cross";
    yield { name: "sends a wake", state: becomes({ at: then }, { ...state, wakes: state.wakes + 1 }) };
  } else if (at === "mark" && read !== null)
    for (const { state: marked, note } of write(state, scenario, "mark", read, signal(NOW)))
      yield { name: `marks the group${note}`, state: becomes({ at: "cross" }, marked) };
  else if (at === "cross" && read !== null && isBehind(read))
    for (const { state: crossed, note } of write(state, scenario, "sweep", read, cross(read)))
      yield { name: `moves the reference${note}`, state: becomes({ at: "free" }, crossed) };
  else if (isFreeable(state))
    yield {
      name: `frees segment ${state.headSegment}`,
      state: becomes({ at: "free" }, { ...state, headSegment: state.headSegment + 1 }),
    };
  else yield { name: "ends", state: { ...state, sweeper: null } };
}

function needsWake(group: CursorGroup | null, tail: number): boolean {
  if (group === null) return false;
  if (group.state === "parked") return needsTurn(group, tail, NOW);
  return group.state === "signalled" || isTakeable(group, NOW);
}

function isBehind(group: CursorGroup | null): boolean {
  return group !== null && isCountedBehind(group);
}

/** The transaction that moves the head checks that no group is counted in its segment. */
function isFreeable({ headSegment, counts, tail, segmentSize }: State): boolean {
  return headSegment < tailSegment({ next: tail + 1, segmentSize }) && (counts[headSegment] ?? 0) === 0;
}

/** No function runs and no hint is in flight. A request that is never answered may be under way. */
export function isAtRest(state: State, { hung }: GroupScenario): boolean {
  return (
    state.notifies + state.wakes + state.delayedWakes.length + state.notifiers.length === 0 &&
    state.toAppend === 0 &&
    state.sweeper === null &&
    state.people.every(({ wishes }) => wishes.length === 0) &&
    state.deliverers.every(
      ({ at, requests, owed }) =>
        at === "late" &&
        owed.length === 0 &&
        Object.keys(requests).length > 0 &&
        Object.keys(requests).every((session) => hung.includes(session)),
    )
  );
}

/** Whether every segment that nobody needs is freed. */
export function isFreed(state: State): boolean {
  return !isFreeable(state) && !isBehind(state.group);
}
