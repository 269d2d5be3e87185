import { describe, expect, it } from "vitest";
import { interceptCalls, retryAtOnce } from "../support/awsCalls.ts";
import { eventually } from "../support/eventually.ts";
import { readFeedRows } from "../support/feedRows.ts";
import { faultsOf, hostileAws } from "../support/hostileAws.ts";
import { hostileQueues } from "../support/hostileQueues.ts";
import { expectInvariants } from "../support/invariants.ts";
import { randomByName } from "../support/randomness.ts";
import { TestRelay } from "../support/testRelay.ts";
import type { WatchedSession } from "../support/witnessed.ts";
import { BEHAVIOURS, Endpoints } from "../torture/endpoints.ts";
import { SteadyProducer } from "../torture/producer.ts";

const SEED = Number(process.env.SEED ?? 1);
const HOSTILE_MILLIS = 8_000;
/** One process needs few calls, so that a lower rate meets few kinds of faults in this time. */
const FAULT_RATE = 0.06;

const SETTINGS = {
  RELAY_SEGMENT_SIZE: "100",
  RELAY_FREE_GRACE_SECONDS: "4",
  RELAY_SWEEP_SECONDS: "0.5",
  RELAY_REQUEST_TIMEOUT_SECONDS: "1",
};

describe(`the whole relay with real queues, endpoints and time, over a hostile AWS, seed ${SEED}`, () => {
  it.each([
    ["at-once", "1"],
    ["expire", "0"],
  ])(
    "loses nothing, doubles nothing, and frees the messages that every session has received: %s, groups %s",
    async (freeing, groups) => {
      const random = randomByName(SEED);
      await using relay = await TestRelay.start({
        ...SETTINGS,
        RELAY_FREEING: freeing,
        RELAY_CURSOR_GROUPS: groups,
      });
      await using endpoints = await Endpoints.start(random);
      const sessions: WatchedSession[] = [];
      for (const path of Object.keys(BEHAVIOURS)) {
        const { id, next } = await relay.createSession({
          feed: "pbx",
          url: endpoints.url(path),
          maxBatch: 50,
        });
        sessions.push({ session: id, start: next, mustReachTail: true });
      }

      const { clients, tableNames } = relay.relay;
      const over = AbortSignal.timeout(HOSTILE_MILLIS);
      const met = new Map<string, number>();
      retryAtOnce(clients);
      interceptCalls(
        clients,
        hostileQueues(random, () => !over.aborted),
      );
      interceptCalls(
        clients,
        hostileAws((call) => {
          if (over.aborted || random(call.command) >= FAULT_RATE) return undefined;
          const faults = faultsOf(call);
          const fault = faults[Math.floor(random("fault") * faults.length)];
          met.set(`${fault}: ${call.command}`, (met.get(`${fault}: ${call.command}`) ?? 0) + 1);
          return fault;
        }),
      );
      const producers = ["a", "b"].map((name) => new SteadyProducer(relay, "pbx", name, 60));
      await Promise.all(producers.map((producer) => producer.run(over)));
      const accepted = producers.flatMap((producer) => producer.accepted);

      await eventually(
        "all sessions at the tail, and all other segments freed",
        async () => {
          const feed = await relay.feed("pbx");
          const sessions = await Array.fromAsync(relay.listSessions());
          const { head } = await readFeedRows(clients.documents, tableNames, "pbx");
          return (
            feed.segments.length === 1 &&
            head.clearedSegment === head.headSegment &&
            sessions.every(({ next }) => next === feed.tail + 1)
          );
        },
        90_000,
      );
      const rows = await readFeedRows(clients.documents, tableNames, "pbx");
      expectInvariants(rows, { accepted, deliveries: endpoints.deliveries, sessions }, `seed ${SEED}`);
      expect(accepted.length).toBeGreaterThan(100);
      expect(met.size).toBeGreaterThan(10);
    },
    150_000,
  );
});
