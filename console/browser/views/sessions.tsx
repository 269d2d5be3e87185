import { useMemo, useState } from "preact/hooks";
import type { Session } from "../../../client/index.ts";
import { useAllSessions } from "../allSessions.ts";
import { count, counted } from "../format.ts";
import { Empty, Stale, Waiting } from "../parts/notices.tsx";
import { SessionTable } from "../parts/sessionTable.tsx";
import { useNow } from "../poll.ts";
import { nameOf } from "../sessionWords.ts";

const PAGE_ROWS = 100;
const STATES = ["active", "backoff", "paused", "suspended"] as const;

const ORDERS = {
  trouble: "Trouble first",
  lag: "Lag",
  name: "Name",
  feed: "Feed",
} as const;
type Order = keyof typeof ORDERS;

const SEVERITY: Readonly<Record<Session["state"], number>> = {
  suspended: 0,
  backoff: 1,
  paused: 2,
  active: 3,
};

const COMPARE: Readonly<Record<Order, (a: Session, b: Session) => number>> = {
  trouble: (a, b) => SEVERITY[a.state] - SEVERITY[b.state] || COMPARE.lag(a, b),
  lag: (a, b) => (b.lagMessages ?? -1) - (a.lagMessages ?? -1) || COMPARE.name(a, b),
  name: (a, b) => compareText(nameOf(a), nameOf(b)) || compareText(a.id, b.id),
  feed: (a, b) => compareText(a.feed, b.feed) || COMPARE.name(a, b),
};

/** Far faster than localeCompare, which matters with thousands. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Choice {
  readonly text: string;
  readonly state: Session["state"] | "";
  readonly order: Order;
}

export function Sessions({ manages }: { manages: boolean }) {
  const all = useAllSessions();
  const now = useNow();
  const [choice, setChoice] = useState<Choice>({ text: "", state: "", order: "trouble" });
  const [page, setPage] = useState(0);
  const sessions = all.data;
  const chosen = useMemo(() => choose(sessions ?? [], choice), [sessions, choice]);
  const pages = Math.max(1, Math.ceil(chosen.length / PAGE_ROWS));
  const shownPage = Math.min(page, pages - 1);
  const shown = chosen.slice(shownPage * PAGE_ROWS, (shownPage + 1) * PAGE_ROWS);
  const change = (changed: Partial<Choice>) => {
    setChoice({ ...choice, ...changed });
    setPage(0);
  };
  return (
    <>
      <div class="title">
        <h1>Sessions</h1>
        {sessions && sessions.length > 0 && (
          <p class="muted" role="status">
            {counted(sessions.length, "session")}
            {all.isComplete ? "" : ", and more are coming …"}
          </p>
        )}
        {manages && (
          <div class="actions">
            <a class="button primary" href="/console/subscribe">
              Subscribe
            </a>
          </div>
        )}
      </div>
      <Stale polled={all} />
      {sessions === undefined ? (
        <Waiting polled={all} what="sessions" />
      ) : sessions.length === 0 ? (
        <Empty title="No sessions yet">
          <p>A session follows one feed: a webhook that the relay calls, or a user of the AMI gateway.</p>
          {manages && (
            <p>
              <a href="/console/subscribe">Subscribe the first one</a>
            </p>
          )}
        </Empty>
      ) : (
        <>
          <Filters sessions={sessions} choice={choice} change={change} />
          {chosen.length === 0 ? (
            <p class="muted" role="status">
              No session is like that.
            </p>
          ) : (
            <SessionTable sessions={shown} now={now} showsFeed />
          )}
          {pages > 1 && (
            <nav class="pages" aria-label="Pages of sessions">
              <button type="button" disabled={shownPage === 0} onClick={() => setPage(shownPage - 1)}>
                Previous
              </button>
              <span>
                {count(shownPage * PAGE_ROWS + 1)} to {count(shownPage * PAGE_ROWS + shown.length)} of{" "}
                {count(chosen.length)}
              </span>
              <button type="button" disabled={shownPage === pages - 1} onClick={() => setPage(shownPage + 1)}>
                Next
              </button>
            </nav>
          )}
        </>
      )}
    </>
  );
}

function choose(sessions: readonly Session[], { text, state, order }: Choice): Session[] {
  const wanted = text.trim().toLowerCase();
  return sessions
    .filter(
      (each) =>
        (state === "" || each.state === state) &&
        (wanted === "" || `${nameOf(each)}\n${each.feed}\n${each.id}`.toLowerCase().includes(wanted)),
    )
    .sort(COMPARE[order]);
}

interface FiltersProps {
  readonly sessions: readonly Session[];
  readonly choice: Choice;
  change(changed: Partial<Choice>): void;
}

function Filters({ sessions, choice, change }: FiltersProps) {
  const counts = new Map<string, number>();
  for (const { state } of sessions) counts.set(state, (counts.get(state) ?? 0) + 1);
  return (
    <div class="filters">
      <label class="search">
        <span class="visually-hidden">Search by URL, user, feed or id</span>
        <input
          type="search"
          placeholder="URL, user, feed or id"
          value={choice.text}
          onInput={(event) => change({ text: event.currentTarget.value })}
        />
      </label>
      <fieldset class="chips">
        <legend class="visually-hidden">State</legend>
        {(["", ...STATES] as const).map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={choice.state === state}
            onClick={() => change({ state })}
          >
            {state === "" ? "all" : state}{" "}
            <span class="count">{count(state === "" ? sessions.length : (counts.get(state) ?? 0))}</span>
          </button>
        ))}
      </fieldset>
      <label class="order">
        <span>Order</span>
        <select
          value={choice.order}
          onChange={(event) => {
            const order = event.currentTarget.value;
            if (isOrder(order)) change({ order });
          }}
        >
          {Object.entries(ORDERS).map(([order, title]) => (
            <option key={order} value={order}>
              {title}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function isOrder(text: string): text is Order {
  return text in ORDERS;
}
