import {
  type CursorGroup,
  changeCursor,
  type GroupChange,
  leave,
  newGroup,
} from "../../../shared/groups/group.ts";
import { newGroupCursor, pause, resume, seek } from "../../../shared/groups/groupCursor.ts";
import { segmentOf } from "../../../shared/queue/sequence.ts";
import { firstHeld } from "../../../shared/queue/tail.ts";
import { NOW, type Person, replace, type State, type Step, type Wish } from "./state.ts";
import type { GroupScenario } from "./variants.ts";
import { move, write } from "./writes.ts";

/** People who use the API. A change reads the group, then writes one cursor under the version that was read. */
export function* peopleSteps(state: State, scenario: GroupScenario): Generator<Step> {
  for (const person of state.people) {
    const [wish] = person.wishes;
    if (wish === undefined) continue;
    for (const step of stepsOf(person, wish, state, scenario))
      yield { ...step, name: `${person.name} (${wish.action} ${wish.session}) ${step.name}` };
  }
}

function* stepsOf(person: Person, wish: Wish, state: State, scenario: GroupScenario): Generator<Step> {
  const becomes = (change: Partial<Person>, from: State = state): State => ({
    ...from,
    people: replace(from.people, person.name, { ...person, ...change }),
  });
  const done = (from: State = state): State =>
    becomes({ wishes: person.wishes.slice(1), at: "read", read: null, tail: 0, headSegment: 0 }, from);
  const again = (from: State = state): State => becomes({ at: "read", read: null }, from);
  const { session, action } = wish;

  if (person.at === "read") {
    const { group, tail, headSegment } = state;
    if (action !== "subscribe" && group?.cursors[session] === undefined)
      yield { name: "finds no session", state: done() };
    else
      yield {
        name: "reads the tail and the group",
        state: becomes({ at: "write", read: group, tail, headSegment }),
      };
    return;
  }
  if (person.at === "sendWake") {
    yield { name: "sends a wake", state: done({ ...state, wakes: state.wakes + 1 }) };
    return;
  }
  const { read, tail, headSegment } = person;
  const { segmentSize } = scenario;
  const next = wish.to === "head" ? firstHeld({ headSegment, segmentSize }) : tail + 1;
  const moves = action === "subscribe" || action === "seek";
  // The transaction also checks that the segment is held: `headSegment <= segment`.
  const isHeld =
    segmentOf(next, segmentSize) >= state.headSegment ||
    scenario.variant === "subscribe without a check of the head";
  if (moves && !isHeld) {
    yield { name: `is refused at ${next}: the segment is freed`, state: again() };
    return;
  }
  const told = (after: State): State => answered(after, wish, next);
  const wakes = (after: State): State =>
    action === "pause" || action === "remove" ? done(told(after)) : becomes({ at: "sendWake" }, told(after));
  if (read === null) {
    const created = bornGroup(session, next, state);
    if (state.group !== null) yield { name: "finds another group", state: again() };
    else
      yield {
        name: `creates a group at ${next}`,
        state: wakes({
          ...state,
          group: created,
          counts: move(state.counts, null, created.segment),
          nextToken: state.nextToken + 1,
        }),
      };
    return;
  }
  const change = changeOf(action, read, session, next);
  if (change === undefined) {
    // One transaction deletes the row and removes its reference.
    if (state.group?.version !== read.version) yield { name: "finds another version", state: again() };
    else
      yield {
        name: "deletes the group",
        state: wakes({ ...state, group: null, counts: move(state.counts, state.group.segment, null) }),
      };
    return;
  }
  for (const { isWritten, state: after, note } of write(
    state,
    scenario,
    "person",
    read,
    taken(change, read, scenario),
  ))
    yield { name: `writes${moves ? ` ${next}` : ""}${note}`, state: isWritten ? wakes(after) : again(after) };
}

function changeOf(
  action: Wish["action"],
  read: CursorGroup,
  session: string,
  next: number,
): GroupChange | undefined {
  const cursor = read.cursors[session];
  if (action === "remove") return leave(read, session);
  if (cursor === undefined) return changeCursor(read, session, newGroupCursor(next));
  if (action === "pause") return changeCursor(read, session, pause(cursor));
  return changeCursor(read, session, action === "resume" ? resume(cursor) : seek(cursor, next));
}

/** As a change of a single session's row takes that row from its holder. */
function taken(change: GroupChange, read: CursorGroup, { variant }: GroupScenario): GroupChange {
  if (variant !== "a person's change takes the fence") return change;
  return {
    ...change,
    fence: read.fence + 1,
    state: "parked",
    holder: undefined,
    leaseUntilEpochMillis: undefined,
  };
}

/** A row's version is never used again: a new group has a new random id. */
function bornGroup(session: string, next: number, { nextToken, segmentSize }: State): CursorGroup {
  const born = { feed: "feed", group: "group", segmentSize, nowEpochMillis: NOW };
  return { ...newGroup({ ...born, session, cursor: newGroupCursor(next) }), version: 100 * nextToken };
}

function answered(state: State, { action, session }: Wish, next: number): State {
  const { [session]: _, ...received } = state.received;
  const { [session]: __, ...wanted } = state.wanted;
  if (action === "remove") return { ...state, received, wanted };
  const before = state.wanted[session] ?? "active";
  const now = action === "pause" ? "paused" : action === "resume" ? "active" : before;
  return {
    ...state,
    wanted: { ...wanted, [session]: now },
    received: {
      ...received,
      [session]: action === "seek" || action === "subscribe" ? next - 1 : (state.received[session] ?? 0),
    },
  };
}
