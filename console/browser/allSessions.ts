import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../../client/index.ts";
import type { Polled } from "./poll.ts";
import { relay } from "./relay.ts";

const SHORTEST_PAUSE_MILLIS = 2_000;
const LONGEST_PAUSE_MILLIS = 60_000;

/** Beyond this, a browser shows what it has. */
const MOST_SESSIONS = 20_000;

/** What is read before it is shown: a page of the interface. */
const PAGE = 100;

export interface AllSessions extends Polled<readonly Session[]> {
  /** Whether the first reading has come to its end. */
  readonly isComplete: boolean;
}

/** All sessions, page by page, again and again: many are asked for less often, and shown as they come. */
export function useAllSessions(): AllSessions {
  const [state, setState] = useState<Omit<AllSessions, "refresh">>({
    data: undefined,
    error: undefined,
    atEpochMillis: undefined,
    isComplete: false,
  });
  const kick = useRef(() => {});

  useEffect(() => {
    let isOver = false;
    let isRunning = false;
    let timer = 0;
    let pauseMillis = SHORTEST_PAUSE_MILLIS;
    let known: ReadonlyMap<string, Session> = new Map();
    const run = async () => {
      clearTimeout(timer);
      if (isOver || isRunning) return;
      isRunning = true;
      const began = performance.now();
      try {
        const seen = new Map<string, Session>();
        for await (const session of relay.listSessions(PAGE)) {
          seen.set(session.id, session);
          if (seen.size >= MOST_SESSIONS || isOver) break;
          // The first time there is nothing older to show.
          if (known.size === 0 && seen.size % PAGE === 0 && !isOver) show([...seen.values()], false);
        }
        known = seen;
        if (!isOver) show([...seen.values()], true);
        pauseMillis = Math.max(SHORTEST_PAUSE_MILLIS, 3 * (performance.now() - began));
      } catch (error) {
        pauseMillis *= 2;
        if (!isOver) setState((before) => ({ ...before, error }));
      }
      isRunning = false;
      pauseMillis = Math.min(pauseMillis, LONGEST_PAUSE_MILLIS);
      if (!isOver && !document.hidden) timer = setTimeout(run, pauseMillis);
    };
    const show = (data: readonly Session[], isEnd: boolean) =>
      setState(({ isComplete }) => ({
        data,
        error: undefined,
        atEpochMillis: Date.now(),
        isComplete: isComplete || isEnd,
      }));
    const onVisible = () => {
      if (!document.hidden) void run();
    };
    kick.current = () => void run();
    document.addEventListener("visibilitychange", onVisible);
    void run();
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, []);

  const refresh = useCallback(() => kick.current(), []);
  return { ...state, refresh };
}
