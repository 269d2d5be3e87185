import { useRef } from "preact/hooks";
import type { FeedSummary } from "../../../client/index.ts";
import { count, fullTime, rate, relative } from "../format.ts";
import { Empty, Stale, Waiting } from "../parts/notices.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { useNow, usePoll } from "../poll.ts";
import { Rates } from "../rates.ts";
import { relay } from "../relay.ts";

const EVERY_MILLIS = 2_000;

/** Beyond this a list is no help. */
const MOST_FEEDS = 1_000;

async function allFeeds(): Promise<FeedSummary[]> {
  const feeds: FeedSummary[] = [];
  for await (const feed of relay.listFeeds()) {
    feeds.push(feed);
    if (feeds.length >= MOST_FEEDS) break;
  }
  return feeds;
}

export function Feeds({ manages }: { manages: boolean }) {
  const rates = useRef(new Rates()).current;
  const polled = usePoll(async () => {
    const feeds = await allFeeds();
    const now = Date.now();
    for (const { feed, tail } of feeds) rates.note(feed, tail, now);
    return feeds;
  }, EVERY_MILLIS);
  const now = useNow();
  const feeds = polled.data;
  return (
    <>
      <div class="title">
        <h1>Feeds</h1>
        {feeds && feeds.length > 0 && <p class="muted">One per phone system, in the order of their names</p>}
      </div>
      <Stale polled={polled} />
      {feeds === undefined ? (
        <Waiting polled={polled} what="feeds" />
      ) : feeds.length === 0 ? (
        <Empty title="No feeds yet">
          <p>A feed begins with its first event or its first session.</p>
          <ul>
            <li>
              Connect a PBX: <code>npm start -- --asterisk http://USER:PASSWORD@127.0.0.1:8088</code>
            </li>
            {manages && (
              <li>
                <a href="/console/subscribe">Subscribe</a> a webhook to a feed that is still to come
              </li>
            )}
          </ul>
        </Empty>
      ) : (
        <FeedTable feeds={feeds} rates={rates} now={now} />
      )}
    </>
  );
}

function FeedTable({ feeds, rates, now }: { feeds: readonly FeedSummary[]; rates: Rates; now: number }) {
  return (
    <div class="table-frame">
      <table class="responsive">
        <thead>
          <tr>
            <th scope="col">Feed</th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col" class="wide-only">
              <span class="visually-hidden">Rate of the last minutes</span>
            </th>
            <th scope="col" class="number">
              Tail
            </th>
            <th scope="col" class="number">
              Held
            </th>
            <th scope="col" class="number">
              Sessions
            </th>
            <th scope="col" class="number">
              Lag at most
            </th>
            <th scope="col" class="number">
              Producers
            </th>
            <th scope="col">Last event</th>
          </tr>
        </thead>
        <tbody>
          {feeds.map((feed) => (
            <FeedRow key={feed.feed} feed={feed} rates={rates} now={now} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function FeedRow({ feed, rates, now }: { feed: FeedSummary; rates: Rates; now: number }) {
  const perSecond = rates.perSecond(feed.feed);
  return (
    <tr>
      <th scope="row">
        <a class="row-link" href={`/console/feeds/${encodeURIComponent(feed.feed)}`}>
          {feed.feed}
        </a>
      </th>
      <td class="number" data-label="Rate">
        {perSecond === undefined ? "…" : rate(perSecond)}
      </td>
      <td class="wide-only">
        <Sparkline values={rates.series(feed.feed)} />
      </td>
      <td class="number" data-label="Tail">
        {count(feed.tail)}
      </td>
      <td class="number" data-label="Held">
        {count(Math.max(0, feed.tail - feed.head + 1))}
      </td>
      <td class="number" data-label="Sessions">
        {count(feed.sessions)}
      </td>
      <td class="number" data-label="Lag at most">
        {count(feed.lagMessagesAtMost)}
      </td>
      <td class="number" data-label="Producers">
        {count(feed.producers)}
      </td>
      <td data-label="Last event">
        {feed.lastAppend === null ? (
          <span class="muted">never</span>
        ) : (
          <time dateTime={feed.lastAppend} title={fullTime(feed.lastAppend)}>
            {relative(feed.lastAppend, now)}
          </time>
        )}
      </td>
    </tr>
  );
}
