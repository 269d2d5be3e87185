import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Feed, Session } from "../../../client/index.ts";
import { count, counted } from "../format.ts";
import { type Block, layOut, type Pin, type QueueLayout, type Standing } from "../queueLayout.ts";

const PIN_PIXELS = 34;

/** What a name needs. Neighbours stand at different heights. */
const LABEL_PIXELS = 110;

/** What a pin of several sessions looks like: the one in most trouble. */
const SEVERITY: readonly Session["state"][] = ["suspended", "backoff", "paused", "active"];

interface QueuePictureProps {
  readonly feed: Feed;
  readonly sessions: readonly Session[];
}

/** The queue from head to tail, with every session where it stands. */
export function QueuePicture({ feed, sessions }: QueuePictureProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const layout = useMemo(
    () => layOut(feed, sessions, PIN_PIXELS / Math.max(width, 1)),
    [feed, sessions, width],
  );
  const { blocks, pins, tailAt } = layout;
  const hasLabels = pins.length * LABEL_PIXELS <= width;
  return (
    <figure class="queue card">
      <div class="queue-row">
        <div
          class={feed.head > 1 ? "freed" : "freed none"}
          title={feed.head > 1 ? `1 to ${count(feed.head - 1)}: freed` : "Nothing is freed yet"}
        >
          <span>{feed.head > 1 ? `${count(feed.head - 1)} freed` : "0 freed"}</span>
        </div>
        <div class="queue-line" ref={frame}>
          <ul class="pins" aria-label="Where the sessions stand">
            {pins.map((pin, index) => (
              <PinMark key={pin.sessions[0]?.id} pin={pin} hasLabel={hasLabels} isRaised={index % 2 === 1} />
            ))}
          </ul>
          <ul class="blocks" aria-label="Segments">
            {blocks.map((block) => (
              <BlockMark key={block.firstSegment} block={block} />
            ))}
          </ul>
          <div class="tail-mark" style={{ left: `${tailAt * 100}%` }} aria-hidden="true">
            <span>tail {count(feed.tail)}</span>
          </div>
        </div>
      </div>
      <figcaption>{caption(feed, layout)}</figcaption>
    </figure>
  );
}

function PinMark({ pin, hasLabel, isRaised }: { pin: Pin; hasLabel: boolean; isRaised: boolean }) {
  const { sessions, at } = pin;
  const [first] = sessions;
  if (first === undefined) return null;
  const state = SEVERITY.find((each) => sessions.some((session) => session.state === each)) ?? "active";
  const isOne = sessions.length === 1;
  const label = isOne
    ? `${first.name}: ${first.state}, next ${count(first.next)}`
    : `${count(sessions.length)} sessions from ${count(first.next)} to ${count(sessions.at(-1)?.next ?? first.next)}; at least one is ${state}`;
  return (
    <li class={`pin ${state}${isRaised ? " raised" : ""}`} style={{ left: `${at * 100}%` }}>
      <a
        href={isOne ? `/console/sessions/${encodeURIComponent(first.id)}` : "#standing"}
        title={label}
        aria-label={label}
      >
        {hasLabel && (
          <span class="pin-label">{isOne ? shortName(first) : `${count(sessions.length)} sessions`}</span>
        )}
        <span class="pin-head">{isOne ? "" : sessions.length > 99 ? "99+" : sessions.length}</span>
      </a>
    </li>
  );
}

/** The end of a URL tells endpoints apart. */
function shortName({ name }: Standing): string {
  const end = URL.parse(name)?.pathname.slice(1) || name;
  return end.length <= 18 ? end : `…${end.slice(-17)}`;
}

function BlockMark({ block }: { block: Block }) {
  const { from, to, firstSegment, lastSegment, first, last, sessions, kind, filled } = block;
  const name =
    firstSegment === lastSegment
      ? `Segment ${count(firstSegment)}`
      : `Segments ${count(firstSegment)} to ${count(lastSegment)}`;
  const why = {
    passed: "every session has passed it; it is freed after its grace",
    held: sessions > 0 ? `${counted(sessions, "session")} counted in it` : "held for a session before it",
    tail: `still grows; ${counted(sessions, "session")} counted in it`,
  }[kind];
  const label = `${name}, ${count(first)} to ${count(last)}: ${why}`;
  return (
    <li
      class={`block ${kind}`}
      style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }}
      title={label}
    >
      <span class="visually-hidden">{label}</span>
      <span class="fill" style={{ width: `${filled * 100}%` }} />
      {sessions > 0 && (
        <span class="references" aria-hidden="true">
          {count(sessions)}
        </span>
      )}
    </li>
  );
}

function caption(feed: Feed, { holder, blocks }: QueueLayout): string {
  const held = counted(Math.max(0, feed.tail - feed.head + 1), "message");
  const passed = blocks.filter(({ kind }) => kind === "passed").length;
  if (holder === undefined)
    return `${held} held. No session stands in this queue: segments are freed when they are older than the grace.`;
  if (holder.next > feed.tail) return `${held} held. Every session has read to the end.`;
  const freed = passed > 0 ? " What lies before is freed when it is older than the grace." : "";
  return `${held} held. ${holder.name} stands lowest, at ${count(holder.next)}: what comes from there on is kept until it has passed.${freed}`;
}
