import {
  everywhere,
  type Faults,
  FUTURE,
  PAST,
  replace,
  type State,
  type Step,
  spend,
  withCursor,
} from "./state.ts";
import type { GroupScenario } from "./variants.ts";

/** Faults of AWS, each as often as the scenario allows, and the passing of time, which is not limited. */
export function* faultSteps(state: State, scenario: GroupScenario): Generator<Step> {
  const faulty = (fault: keyof Faults, name: string, change: Partial<State>): Step[] =>
    state.faults[fault] > 0 ? [{ name, state: spend({ ...state, ...change }, fault) }] : [];

  // The hint of a dead function becomes visible again.
  for (const { name } of state.notifiers)
    yield* faulty("notifyCrash", `${name} dies`, {
      notifiers: replace(state.notifiers, name),
      notifies: state.notifies + 1,
    });
  for (const { name } of state.deliverers)
    yield* faulty("deliverCrash", `${name} dies`, {
      deliverers: replace(state.deliverers, name),
      wakes: state.wakes + 1,
    });
  if (state.sweeper !== null) yield* faulty("sweepCrash", "the sweep dies", { sweeper: null });
  if (state.notifies > 0) {
    yield* faulty("doubledHint", "a notify is doubled", { notifies: state.notifies + 1 });
    yield* faulty("lostHint", "a notify is lost", { notifies: state.notifies - 1 });
  }
  if (state.wakes > 0) {
    yield* faulty("doubledHint", "a wake is doubled", { wakes: state.wakes + 1 });
    yield* faulty("lostHint", "a wake is lost", { wakes: state.wakes - 1 });
  }
  for (const deliverer of state.deliverers)
    if (deliverer.at === "hold" && !deliverer.isOver)
      yield* faulty("turnOver", `the turn of ${deliverer.name} is over`, {
        deliverers: replace(state.deliverers, deliverer.name, { ...deliverer, isOver: true }),
      });
  yield* waiting(state, scenario);
}

function* waiting(state: State, { hung }: GroupScenario): Generator<Step> {
  const { group } = state;
  for (const [index, session] of state.delayedWakes.entries())
    if (group?.cursors[session]?.dueAtEpochMillis !== FUTURE)
      yield {
        name: `the delayed wake for ${session} arrives`,
        state: { ...state, wakes: state.wakes + 1, delayedWakes: state.delayedWakes.toSpliced(index, 1) },
      };
  if (group === null) return;
  for (const [session, { dueAtEpochMillis, requests, requestUntilEpochMillis }] of Object.entries(
    group.cursors,
  )) {
    if (dueAtEpochMillis === FUTURE)
      yield {
        name: `${session} is due`,
        state: everywhere(state, (each) =>
          withCursor(each, session, (cursor) =>
            cursor.dueAtEpochMillis === FUTURE ? { ...cursor, dueAtEpochMillis: PAST } : cursor,
          ),
        ),
      };
    if (requestUntilEpochMillis !== FUTURE) continue;
    // The request of a dead process is over in time. A living process reports before that, unless it is slow.
    const isAlive = state.deliverers.some((each) => each.requests[session]?.number === requests);
    if (isAlive && (hung.includes(session) || state.faults.slowRequest === 0)) continue;
    const passed = everywhere(state, (each) =>
      withCursor(each, session, (cursor) =>
        cursor.requests === requests && cursor.requestUntilEpochMillis === FUTURE
          ? { ...cursor, requestUntilEpochMillis: PAST }
          : cursor,
      ),
    );
    yield {
      name: `the time of the late request of ${session} is over${isAlive ? " while it is still awaited" : ""}`,
      state: isAlive ? spend(passed, "slowRequest") : passed,
    };
  }
  if (group.state !== "active" || group.leaseUntilEpochMillis !== FUTURE) return;
  // A dead holder's lease expires freely. A living holder's lease expires only if the holder is slow.
  const isHeld = state.deliverers.some(({ at, token }) => at === "hold" && token === group.holder);
  if (isHeld && state.faults.slowHolder === 0) return;
  const expired = { ...state, group: { ...group, leaseUntilEpochMillis: PAST } };
  yield {
    name: `the lease expires${isHeld ? " while its holder still works" : ""}`,
    state: isHeld ? spend(expired, "slowHolder") : expired,
  };
}
