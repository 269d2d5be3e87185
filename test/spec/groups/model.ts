import type { CursorGroup } from "../../../shared/groups/group.ts";
import { newGroupCursor } from "../../../shared/groups/groupCursor.ts";
import { check, type Specification, type Verdict } from "../checker.ts";
import { deliverSteps } from "./deliver.ts";
import { faultSteps } from "./faults.ts";
import { appendSteps, notifySteps, sweepSteps } from "./hints.ts";
import { isWell, problemsOf, problemsOfStep } from "./invariants.ts";
import { peopleSteps } from "./people.ts";
import { type Faults, NOW, type State, type Step } from "./state.ts";
import type { GroupScenario } from "./variants.ts";

/** Every possible next step. */
function* stepsOf(state: State, scenario: GroupScenario): Generator<Step> {
  yield* appendSteps(state, scenario);
  yield* notifySteps(state, scenario);
  yield* deliverSteps(state, scenario);
  yield* sweepSteps(state, scenario);
  yield* peopleSteps(state, scenario);
  yield* faultSteps(state, scenario);
}

export function checkGroups(scenario: GroupScenario): Verdict {
  const specification: Specification<State> = {
    initial: initialState(scenario),
    steps: (state) => stepsOf(state, scenario),
    key: keyOf,
    problemsOf,
    problemsOfStep,
    isWell: (state) => isWell(state, scenario),
  };
  return check(specification);
}

const NO_FAULTS: Faults = {
  notifyCrash: 0,
  deliverCrash: 0,
  sweepCrash: 0,
  doubledHint: 0,
  lostHint: 0,
  slowHolder: 0,
  slowRequest: 0,
  lostAnswer: 0,
  refusal: 0,
  conflict: 0,
  turnOver: 0,
  earlySweep: 0,
};

function initialState(scenario: GroupScenario): State {
  const { segmentSize, maxBatch, messages, people } = scenario;
  const sessions = Object.keys(maxBatch);
  return {
    segmentSize,
    tail: messages,
    toAppend: scenario.appends,
    headSegment: 0,
    counts: [1],
    group: {
      feed: "feed",
      group: "group",
      state: "parked",
      version: 1,
      fence: 1,
      segment: 0,
      segmentSize,
      changedAtEpochMillis: NOW,
      cursors: Object.fromEntries(sessions.map((session) => [session, newGroupCursor(1)])),
    },
    notifies: 0,
    wakes: messages > 0 ? 1 : 0,
    delayedWakes: [],
    notifiers: [],
    deliverers: [],
    sweeper: null,
    people: people.map((wishes, index) => ({
      name: `person ${index + 1}`,
      wishes,
      at: "read",
      read: null,
      tail: 0,
      headSegment: 0,
    })),
    faults: { ...NO_FAULTS, ...scenario.faults },
    nextToken: 1,
    received: Object.fromEntries(sessions.map((session) => [session, 0])),
    begun: {},
    wanted: Object.fromEntries(sessions.map((session) => [session, "active"])),
    repeated: null,
  };
}

/**
 * States that no rule can tell apart have the same key. They may differ in the names of functions, in the order of hints,
 * and in the values of versions, fences and tokens. Those are only compared with the row's, and are never used again.
 */
function keyOf(state: State): string {
  const { group, notifiers, deliverers, sweeper, people, nextToken: _, ...rest } = state;
  const contents = ({ version: _version, fence: _fence, holder: _holder, ...others }: CursorGroup) => others;
  const compared = (read: CursorGroup | null) =>
    read && [contents(read), read.version === group?.version, (group?.fence ?? 0) - read.fence];
  const sorted = (items: readonly object[]) => items.map((item) => JSON.stringify(item)).sort();
  return JSON.stringify([
    rest,
    group && contents(group),
    [...state.delayedWakes].sort(),
    sorted(notifiers.map(({ at, tail, read }) => [at, at === "list" ? tail : 0, read && compared(read)])),
    sorted(
      deliverers.map(({ name: _name, token, base, mine, ...others }) => [
        { ...others, requests: Object.entries(others.requests).sort() },
        token === group?.holder,
        others.at === "late" ? 0 : [compared(base), mine.planned, mine.cursors],
      ]),
    ),
    sweeper && { ...sweeper, read: compared(sweeper.read) },
    people.map((person) => ({ ...person, read: compared(person.read) })),
  ]);
}
