import type { Scenario } from "./scenario.ts";
import { type Faults, replace, type State, type Step, spend } from "./state.ts";

/** Faults of AWS, each as often as the scenario allows, and the passing of time, which is not limited. */
export function* faultSteps(state: State, scenario: Scenario): Generator<Step> {
  const faulty = (fault: keyof Faults, name: string, change: Partial<State>): Step[] =>
    state.faults[fault] > 0
      ? [{ name, state: { ...state, ...change, faults: spend(state.faults, fault) } }]
      : [];

  // The hint of a dead function becomes visible again.
  for (const { name } of state.notifiers)
    yield* faulty("notifyCrash", `${name} dies`, {
      notifiers: replace(state.notifiers, name),
      notifies: state.notifies + 1,
    });
  for (const { name, session } of state.deliverers)
    yield* faulty("deliverCrash", `${name} dies`, {
      deliverers: replace(state.deliverers, name),
      wakes: [...state.wakes, session],
    });
  for (const { name } of state.connections)
    yield* faulty("connectionCrash", `${name} dies`, { connections: replace(state.connections, name) });
  if (state.sweeper !== null) yield* faulty("sweepCrash", "the sweep dies", { sweeper: null });

  if (state.notifies > 0) {
    yield* faulty("doubledHint", "a notify is doubled", { notifies: state.notifies + 1 });
    yield* faulty("lostHint", "a notify is lost", { notifies: state.notifies - 1 });
  }
  for (const session of new Set(state.wakes)) {
    const at = state.wakes.indexOf(session);
    yield* faulty("doubledHint", `a wake of ${session} is doubled`, { wakes: [...state.wakes, session] });
    yield* faulty("lostHint", `a wake of ${session} is lost`, { wakes: state.wakes.toSpliced(at, 1) });
  }
  yield* waiting(state, scenario);
}

function* waiting(state: State, { times }: Scenario): Generator<Step> {
  if (state.now < times.last) yield { name: "a tick passes", state: { ...state, now: state.now + 1 } };

  for (const [session, row] of Object.entries(state.cursors)) {
    const becomes = (change: Partial<typeof row>) => ({ ...state.cursors, [session]: { ...row, ...change } });
    if (row.state === "backoff" && !row.isDue)
      yield {
        name: `the backoff of ${session} is due`,
        state: { ...state, cursors: becomes({ isDue: true }) },
      };
    const at = state.delayedWakes.indexOf(session);
    if (at >= 0 && (row.state !== "backoff" || row.isDue))
      yield {
        name: `the delayed wake of ${session} arrives`,
        state: {
          ...state,
          wakes: [...state.wakes, session],
          delayedWakes: state.delayedWakes.toSpliced(at, 1),
        },
      };
    if (row.state !== "active" || row.leaseExpired) continue;
    // A dead holder's lease expires freely. A living holder's lease expires only if the holder is slow.
    const isHeld = [...state.deliverers, ...state.connections].some(
      (each) => each.session === session && each.row.fence === row.fence && each.row.lease === row.lease,
    );
    if (isHeld && state.faults.slowHolder === 0) continue;
    yield {
      name: `the lease of ${session} expires${isHeld ? " while its holder still works" : ""}`,
      state: {
        ...state,
        cursors: becomes({ leaseExpired: true }),
        faults: isHeld ? spend(state.faults, "slowHolder") : state.faults,
      },
    };
  }
  // A removed session's delayed wake finds nothing.
  const orphan = state.delayedWakes.findIndex((session) => state.cursors[session] === undefined);
  if (orphan >= 0)
    yield {
      name: "a delayed wake of a removed session arrives",
      state: { ...state, delayedWakes: state.delayedWakes.toSpliced(orphan, 1) },
    };
}
