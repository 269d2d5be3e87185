import { useRef } from "preact/hooks";
import { useAllSessions } from "../allSessions.ts";
import { count, fullTime, rate, relative } from "../format.ts";
import { Stale, Waiting } from "../parts/notices.tsx";
import { QueuePicture } from "../parts/queuePicture.tsx";
import { SessionTable } from "../parts/sessionTable.tsx";
import { Tail } from "../parts/tail.tsx";
import { useNow, usePoll } from "../poll.ts";
import { Rates } from "../rates.ts";
import { relay } from "../relay.ts";

const EVERY_MILLIS = 1_000;
const PRODUCERS_EVERY_MILLIS = 5_000;

/** The lowest ones are those that matter here; the list of sessions has all. */
const SHOWN_SESSIONS = 25;

export function FeedView({ id, manages }: { id: string; manages: boolean }) {
  const rates = useRef(new Rates()).current;
  const polled = usePoll(async () => {
    const feed = await relay.feed(id);
    rates.note(id, feed.tail, Date.now());
    return feed;
  }, EVERY_MILLIS);
  const all = useAllSessions();
  const now = useNow();
  const feed = polled.data;
  const perSecond = rates.perSecond(id);
  const standing = (all.data ?? [])
    .filter((session) => session.feed === id)
    .sort((a, b) => (a.next ?? Number.MAX_SAFE_INTEGER) - (b.next ?? Number.MAX_SAFE_INTEGER));
  return (
    <>
      <div class="title">
        <h1>{id}</h1>
        {feed && (
          <p class="muted">
            {perSecond === undefined ? "…" : rate(perSecond)} · tail {count(feed.tail)} · segments of{" "}
            {count(feed.segmentSize)}
          </p>
        )}
        {manages && (
          <div class="actions">
            <a class="button primary" href={`/console/subscribe?feed=${encodeURIComponent(id)}`}>
              Subscribe
            </a>
          </div>
        )}
      </div>
      <Stale polled={polled} />
      {feed === undefined ? (
        <Waiting polled={polled} what="feed" />
      ) : (
        <>
          <QueuePicture feed={feed} sessions={all.data ?? []} />
          <section class="stack" aria-labelledby="standing">
            <div class="title">
              <h2 id="standing">Sessions, the lowest first</h2>
              {standing.length > SHOWN_SESSIONS && (
                <a href="/console/sessions">all {count(standing.length)}</a>
              )}
            </div>
            {standing.length > 0 ? (
              <SessionTable sessions={standing.slice(0, SHOWN_SESSIONS)} now={now} />
            ) : (
              <p class="muted">{all.isComplete ? "No session follows this feed." : "Loading sessions …"}</p>
            )}
          </section>
          <Producers feed={id} now={now} />
          <Tail feed={id} tail={feed.tail} />
        </>
      )}
    </>
  );
}

function Producers({ feed, now }: { feed: string; now: number }) {
  const polled = usePoll(() => relay.producers(feed), PRODUCERS_EVERY_MILLIS);
  const producers = polled.data?.producers;
  return (
    <section class="stack" aria-labelledby="producers">
      <h2 id="producers">Producers and bridges</h2>
      {producers === undefined ? (
        <Waiting polled={polled} what="producers" />
      ) : producers.length === 0 ? (
        <p class="muted">No named producer has sent anything of late.</p>
      ) : (
        <div class="table-frame">
          <table class="responsive">
            <thead>
              <tr>
                <th scope="col">Producer</th>
                <th scope="col" class="number">
                  Next position
                </th>
                <th scope="col">Last seen</th>
                <th scope="col">Gaps</th>
              </tr>
            </thead>
            <tbody>
              {producers.map(({ producer, next, lastSeen, gaps }) => (
                <tr key={producer}>
                  <th scope="row">{producer}</th>
                  <td class="number" data-label="Next position">
                    {count(next)}
                  </td>
                  <td data-label="Last seen">
                    <time dateTime={lastSeen} title={fullTime(lastSeen)}>
                      {relative(lastSeen, now)}
                    </time>
                  </td>
                  <td data-label="Gaps">
                    {gaps.length === 0 ? (
                      <span class="muted">none</span>
                    ) : (
                      gaps.map(({ first, last }) => `${count(first)} to ${count(last)}`).join(", ")
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
