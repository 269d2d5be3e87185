import { useEffect, useRef, useState } from "preact/hooks";
import type { Message, MessageFormat } from "../../../client/index.ts";
import { count, counted, timeOfDay } from "../format.ts";
import { explain, relay } from "../relay.ts";

const KEPT_MESSAGES = 300;
const LIMIT = 200;
const WAIT_SECONDS = 15;

/** Faster than this, nobody can read. */
const PAUSE_MILLIS = 400;
const FAILURE_PAUSE_MILLIS = 3_000;

/** How far the tail may run ahead before messages are left out. */
const MOST_BEHIND = 1_000;

interface TailState {
  readonly messages: readonly Message[];
  readonly skipped: number;
  readonly problem: string | undefined;
}

/** The feed's messages as they are appended. */
export function Tail({ feed, tail }: { feed: string; tail: number }) {
  const [format, setFormat] = useState<MessageFormat>("stasis");
  const [isPaused, setPaused] = useState(false);
  const [text, setText] = useState("");
  const [state, setState] = useState<TailState>({ messages: [], skipped: 0, problem: undefined });
  const next = useRef<number | undefined>(undefined);
  const latestTail = useRef(tail);
  latestTail.current = tail;

  useEffect(() => {
    if (isPaused) return;
    let isOver = false;
    const run = async () => {
      while (!isOver) {
        if (document.hidden) {
          await pause(1_000);
          continue;
        }
        try {
          const ahead = next.current === undefined ? 0 : latestTail.current - next.current;
          const skip = ahead > MOST_BEHIND ? ahead - LIMIT : 0;
          const from =
            next.current === undefined ? Math.max(1, latestTail.current - 19) : next.current + skip;
          const page = await relay.messages(feed, { from, format, limit: LIMIT, wait: WAIT_SECONDS });
          if (isOver) return;
          next.current = page.next;
          setState((before) => ({
            messages: [...page.messages.toReversed(), ...before.messages].slice(0, KEPT_MESSAGES),
            skipped: before.skipped + skip,
            problem: undefined,
          }));
          await pause(PAUSE_MILLIS);
        } catch (error) {
          if (isOver) return;
          setState((before) => ({ ...before, problem: explain(error) }));
          await pause(FAILURE_PAUSE_MILLIS);
        }
      }
    };
    void run();
    return () => {
      isOver = true;
    };
  }, [feed, format, isPaused]);

  const chooseFormat = (value: string) => {
    next.current = undefined;
    setState({ messages: [], skipped: 0, problem: undefined });
    setFormat(value === "ami" ? "ami" : "stasis");
  };
  const wanted = text.trim().toLowerCase();
  const shown =
    wanted === ""
      ? state.messages
      : state.messages.filter((message) => wholeText(message).toLowerCase().includes(wanted));
  return (
    <section class="card stack" aria-labelledby="tail-title">
      <div class="title">
        <h2 id="tail-title">Live tail</h2>
        <span class="muted small" role="status">
          {isPaused ? "Paused" : "Following"}
          {state.skipped > 0 && `; ${counted(state.skipped, "message")} left out, because they came too fast`}
        </span>
        <div class="actions">
          <label class="search">
            <span class="visually-hidden">Show messages that contain</span>
            <input
              type="search"
              placeholder="type or text"
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
          <label>
            <span class="visually-hidden">Format</span>
            <select value={format} onChange={(event) => chooseFormat(event.currentTarget.value)}>
              <option value="stasis">Stasis</option>
              <option value="ami">AMI</option>
            </select>
          </label>
          <button type="button" onClick={() => setPaused(!isPaused)}>
            {isPaused ? "Go on" : "Pause"}
          </button>
        </div>
      </div>
      {state.problem !== undefined && (
        <p class="notice warn" role="alert">
          {state.problem} Trying again …
        </p>
      )}
      {shown.length === 0 ? (
        <p class="muted">{wanted === "" ? "No message yet." : "No message here contains that."}</p>
      ) : (
        <ol class="tail-list" aria-label="Messages, the newest first">
          {shown.map((message) => (
            <li key={message.sequence}>
              <details>
                <summary>
                  <span class="sequence">{count(message.sequence)}</span>
                  <time dateTime={message.timestamp}>{timeOfDay(message.timestamp, Date.now())}</time>
                  <span class="type">{message.type}</span>
                  <span class="gist">{gist(message)}</span>
                </summary>
                {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
                <pre tabIndex={0}>{wholeText(message)}</pre>
              </details>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}

function wholeText(message: Message): string {
  return "event" in message ? JSON.stringify(message.event, null, 2) : message.text.trimEnd();
}

/** What tells a message from its neighbours: the channel, bridge or endpoint that it is about. */
function gist(message: Message): string {
  if (!("event" in message)) {
    const { Channel, Exten, BridgeUniqueid } = message.fields;
    return [Channel, Exten, BridgeUniqueid].filter((each) => each !== undefined).join(" ");
  }
  const { channel, bridge, endpoint, device_state: device } = message.event;
  return [channel, bridge, endpoint, device]
    .flatMap((each) =>
      typeof each === "object" && each !== null && "name" in each ? [String(each.name)] : [],
    )
    .filter((each) => each !== "")
    .join(" ");
}
