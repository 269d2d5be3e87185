import { useEffect, useState } from "preact/hooks";
import type { Session } from "../../../client/index.ts";
import { count, fullTime, relative, seconds } from "../format.ts";
import { Attempts } from "../parts/attempts.tsx";
import { Explain } from "../parts/explain.tsx";
import { LagChart, type LagSample } from "../parts/lagChart.tsx";
import { Stale, Waiting } from "../parts/notices.tsx";
import { SessionActions } from "../parts/sessionActions.tsx";
import { StateBadge } from "../parts/stateBadge.tsx";
import { StateMachine } from "../parts/stateMachine.tsx";
import { useNow, usePoll } from "../poll.ts";
import { relay } from "../relay.ts";
import { nameOf, situation } from "../sessionWords.ts";

const EVERY_MILLIS = 1_000;

/** Half an hour. */
const KEPT_SAMPLES = 1_800;

export function SessionView({ id, manages }: { id: string; manages: boolean }) {
  const polled = usePoll(() => relay.session(id), EVERY_MILLIS);
  const now = useNow();
  const session = polled.data;
  const samples = useLagSamples(id, session, polled.atEpochMillis);
  if (session === undefined)
    return (
      <>
        <h1>{id}</h1>
        <Waiting polled={polled} what="session" />
      </>
    );
  return (
    <>
      <div class="title">
        <h1>{nameOf(session)}</h1>
        <StateBadge state={session.state} />
        {manages && <SessionActions session={session} refresh={polled.refresh} />}
      </div>
      <p class="lead">{situation(session, now)}</p>
      <Stale polled={polled} />
      <div class="columns">
        <section class="card stack" aria-labelledby="machine">
          <h2 id="machine">State machine</h2>
          {session.cursor ? (
            <StateMachine state={session.cursor.state} />
          ) : (
            <p class="muted">
              Without resume this user has no cursor: each login begins with the next event.
            </p>
          )}
        </section>
        <section class="card stack" aria-labelledby="lag">
          <div class="title">
            <h2 id="lag">Lag</h2>
            <p class="muted">
              {session.lagMessages === null ? "none" : `${count(session.lagMessages)} messages`}
              {session.lagSeconds !== null &&
                session.lagSeconds > 0 &&
                `, the oldest ${seconds(session.lagSeconds)} old`}
            </p>
          </div>
          <LagChart samples={samples} />
        </section>
        <Facts session={session} now={now} />
        <Explain session={session} />
      </div>
      {session.kind === "webhook" && <Attempts id={id} now={now} />}
    </>
  );
}

/** Lag as this browser saw it. It survives a reload, because a picture that begins anew says little. */
function useLagSamples(
  id: string,
  session: Session | undefined,
  atEpochMillis: number | undefined,
): readonly LagSample[] {
  const key = `lag ${id}`;
  const [samples, setSamples] = useState<readonly LagSample[]>(() => readSamples(key));
  const lag = session?.lagMessages ?? undefined;
  useEffect(() => {
    if (lag === undefined || atEpochMillis === undefined) return;
    setSamples((before) => {
      const after = [...before, { atEpochMillis, lag }].slice(-KEPT_SAMPLES);
      sessionStorage.setItem(key, JSON.stringify(after.map((each) => [each.atEpochMillis, each.lag])));
      return after;
    });
  }, [key, lag, atEpochMillis]);
  return samples;
}

function readSamples(key: string): LagSample[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    if (!Array.isArray(stored)) return [];
    const oldest = Date.now() - KEPT_SAMPLES * EVERY_MILLIS;
    return stored.flatMap((each: unknown): LagSample[] => {
      const [atEpochMillis, lag]: unknown[] = Array.isArray(each) ? each : [];
      return typeof atEpochMillis === "number" && typeof lag === "number" && atEpochMillis > oldest
        ? [{ atEpochMillis, lag }]
        : [];
    });
  } catch {
    return [];
  }
}

function Facts({ session, now }: { session: Session; now: number }) {
  const { cursor } = session;
  const time = (value: string | null) =>
    value === null ? "never" : `${relative(value, now)} (${fullTime(value)})`;
  const facts: readonly (readonly [string, string])[] = [
    ["Feed", session.feed],
    ...(session.kind === "webhook"
      ? ([
          ["Format", session.format],
          ["Messages per request", `at most ${count(session.maxBatch)}`],
          ["Filter", session.filter === null ? "none: gets everything" : JSON.stringify(session.filter)],
        ] as const)
      : ([
          ["Read classes", session.read],
          ["Event filters", session.eventFilters.join(", ") || "none"],
          ["Resume", session.resume ? "yes" : "no"],
          ["Last login", time(session.lastLogin)],
        ] as const)),
    ["Next", session.next === null ? "–" : count(session.next)],
    ["Last delivery", time(session.lastDelivery)],
    ["Created", time(session.createdAt)],
    ...(cursor
      ? ([
          ["Segment", count(cursor.segment)],
          ["Fence", count(cursor.fence)],
          ["Lane", cursor.lane],
          ...(cursor.leaseUntil === null
            ? []
            : [["Lease", `expires ${relative(cursor.leaseUntil, now)}`] as const]),
          ...(cursor.dueAt === null ? [] : [["Next attempt", relative(cursor.dueAt, now)] as const]),
          ...(cursor.gap === null
            ? []
            : [
                [
                  "Gap to report",
                  `${count(cursor.gap.first)} to ${count(cursor.gap.last)}: ${cursor.gap.reason}`,
                ] as const,
              ]),
        ] as const)
      : []),
    ["Id", session.id],
  ];
  return (
    <section class="card stack" aria-labelledby="facts">
      <h2 id="facts">Session</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {name === "Feed" ? <a href={`/console/feeds/${encodeURIComponent(value)}`}>{value}</a> : value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
