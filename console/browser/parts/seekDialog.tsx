import { useEffect, useState } from "preact/hooks";
import type { Feed, Position, Session } from "../../../client/index.ts";
import { count, counted } from "../format.ts";
import { explain, relay } from "../relay.ts";
import { Confirm } from "./dialog.tsx";

const PLACES = {
  head: "The first message still held",
  tail: "The end: only what comes from now on",
  number: "A number",
  time: "A time",
};
type Place = keyof typeof PLACES;

const AGES = [
  ["5 minutes ago", 300],
  ["1 hour ago", 3_600],
  ["1 day ago", 86_400],
] as const;

interface SeekDialogProps {
  readonly session: Session;
  /** Asks only for places that lie behind. */
  readonly isReplay: boolean;
  seek(next: Position): Promise<void>;
  onClose(): void;
}

/** Asks where to, and says what that does before it is done. */
export function SeekDialog({ session, isReplay, seek, onClose }: SeekDialogProps) {
  const [place, setPlace] = useState<Place>(isReplay ? "time" : "tail");
  const [number, setNumber] = useState(String(session.next ?? 1));
  const [time, setTime] = useState(localTime(Date.now() - 300_000));
  const position = positionOf(place, number, time);
  const outlook = useOutlook(session, position);
  const places = Object.entries(PLACES).filter(([name]) => !isReplay || name !== "tail");
  return (
    <Confirm
      title={isReplay ? "Replay" : "Seek"}
      action={isReplay ? "Send again" : "Move"}
      isReady={position !== undefined}
      run={async () => {
        if (position !== undefined) await seek(position);
      }}
      onClose={onClose}
    >
      <fieldset class="stack">
        <legend class="visually-hidden">The next message</legend>
        {places.map(([name, title]) => (
          <label key={name} class="check">
            <input
              type="radio"
              name="place"
              checked={place === name}
              onChange={() => {
                if (isPlace(name)) setPlace(name);
              }}
            />
            {title}
          </label>
        ))}
      </fieldset>
      {place === "number" && (
        <label class="field">
          <span>Number of the next message</span>
          <input
            type="number"
            min="1"
            step="1"
            required
            value={number}
            onInput={(event) => setNumber(event.currentTarget.value)}
          />
        </label>
      )}
      {place === "time" && (
        <div class="stack">
          <label class="field">
            <span>Appended at this time or later</span>
            <input
              type="datetime-local"
              step="1"
              required
              value={time}
              onInput={(event) => setTime(event.currentTarget.value)}
            />
          </label>
          <div class="chips">
            {AGES.map(([title, ageSeconds]) => (
              <button
                key={title}
                type="button"
                onClick={() => setTime(localTime(Date.now() - ageSeconds * 1000))}
              >
                {title}
              </button>
            ))}
          </div>
        </div>
      )}
      <p class="notice" role="status">
        {outlook}
      </p>
      {session.kind === "webhook" && (
        <p class="muted small">
          A receiver that drops what it already has must forget where it stands first.
        </p>
      )}
    </Confirm>
  );
}

function isPlace(text: string): text is Place {
  return text in PLACES;
}

/** What a datetime-local field has: local time without a zone. */
function localTime(epochMillis: number): string {
  const offsetMillis = new Date(epochMillis).getTimezoneOffset() * 60_000;
  return new Date(epochMillis - offsetMillis).toISOString().slice(0, 19);
}

function positionOf(place: Place, number: string, time: string): Position | undefined {
  if (place === "head" || place === "tail") return place;
  if (place === "number") return /^[1-9]\d{0,14}$/.test(number) ? Number(number) : undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : { time: date.toISOString() };
}

/** What will happen: how many messages come again, or are left out. */
function useOutlook(session: Session, position: Position | undefined): string {
  const [outlook, setOutlook] = useState("…");
  const key = JSON.stringify(position);
  useEffect(() => {
    let isOver = false;
    const find = async () => {
      if (position === undefined) return "Say where to.";
      const feed = await relay.feed(session.feed);
      return describe(session.next ?? 1, await resolve(feed, position), feed);
    };
    find()
      .catch(explain)
      .then((text) => {
        if (!isOver) setOutlook(text);
      });
    return () => {
      isOver = true;
    };
  }, [key]);
  return outlook;
}

async function resolve(feed: Feed, position: Position): Promise<number> {
  if (position === "head") return feed.head;
  if (position === "tail") return feed.tail + 1;
  if (typeof position === "number") return position;
  const { messages, next } = await relay.messages(feed.feed, { from: position, limit: 1 });
  return messages[0]?.sequence ?? next;
}

function describe(now: number, then: number, { head, tail }: Feed): string {
  if (then > tail + 1) return `The feed ends at ${count(tail)}.`;
  if (then < head) return `Held are ${count(head)} to ${count(tail)} only.`;
  if (then === now) return "It stands there already: nothing changes.";
  if (then > now)
    return `${counted(then - now, "message")} from ${count(now)} on are left out: this session will never get them.`;
  return `${counted(now - then, "message")} from ${count(then)} on are sent again, as far as they pass its filter.`;
}
