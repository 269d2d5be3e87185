import { advance, hold, isHoldable, park, progress } from "../../shared/sessions/cursor.ts";
import { crossing, cursorOf, nextLease, timeOf, write } from "./cursors.ts";
import { receive } from "./deliver.ts";
import type { Scenario } from "./scenario.ts";
import { type Connection, freeName, replace, type State, type Step } from "./state.ts";

/**
 * Specifies gateway/store: a connection of an AMI user. It sends as it likes, and writes the row now and then. So it may
 * send more after it has lost the row, until its next write tells it. What it has sent and not written is sent again by
 * the next connection.
 */
export function* connectionSteps(state: State, scenario: Scenario): Generator<Step> {
  if (state.loginsLeft > 0)
    for (const session of scenario.amiUsers) {
      const row = state.cursors[session];
      if (row === undefined || !isHoldable(cursorOf(row, scenario), timeOf(row), true)) continue;
      const name = freeName(state.connections, "connection");
      const connection: Connection = { name, session, at: "take", row, next: row.next };
      yield {
        name: `${name} logs in and reads the row: ${row.state} at ${row.next}`,
        state: {
          ...state,
          loginsLeft: state.loginsLeft - 1,
          connections: [...state.connections, connection],
        },
      };
    }
  for (const connection of state.connections)
    for (const step of stepsOf(connection, state, scenario))
      yield { ...step, name: `${connection.name} ${step.name}` };
}

function* stepsOf(connection: Connection, state: State, scenario: Scenario): Generator<Step> {
  const { session, row, next, name } = connection;
  const becomes = (change: Partial<Connection>, from: State = state): State => ({
    ...from,
    connections: replace(from.connections, name, { ...connection, ...change }),
  });
  const ended = (from: State = state): State => ({ ...from, connections: replace(from.connections, name) });

  if (connection.at === "take") {
    const change = hold(cursorOf(row, scenario), nextLease(row));
    for (const { row: taken, state: after, note } of write(state, scenario, session, row, change))
      yield {
        name: `takes the row${note}`,
        state: taken === null ? ended(after) : becomes({ at: "follow", row: taken, next: taken.next }, after),
      };
    return;
  }
  if (state.pages.some(({ first }) => first === next))
    yield { name: `sends ${next}`, state: becomes({ next: next + 1 }, receive(state, session, next)) };
  const progressed = progress(cursorOf(row, scenario), {
    next,
    sentLast: next - 1,
    lane: "fast",
    nowEpochMillis: 0,
  });
  const writes = [
    ...(next > row.next
      ? [{ what: `writes ${next}`, change: advance(progressed, nextLease(row)), ends: false }]
      : []),
    { what: `ends at ${next}`, change: park(progressed, 0), ends: true },
  ];
  for (const { what, change, ends } of writes) {
    const all = { ...change, ...crossing(row, next, scenario) };
    for (const { row: written, state: after, note } of write(state, scenario, session, row, all, "stay"))
      yield {
        name: `${what}${note}`,
        state: written === null || ends ? ended(after) : becomes({ row: written }, after),
      };
  }
}
