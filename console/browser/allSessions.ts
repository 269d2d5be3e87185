import { useRef, useState } from "preact/hooks";
import type { Session } from "../../client/index.ts";
import type { Polled } from "./poll.ts";
import { relay } from "./relay.ts";
import { useRepeated } from "./repeat.ts";

const EVERY_MILLIS = 2_000;
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
  const known = useRef(0);
  const show = (data: readonly Session[], isEnd: boolean) =>
    setState(({ isComplete }) => ({
      data,
      error: undefined,
      atEpochMillis: Date.now(),
      isComplete: isComplete || isEnd,
    }));
  const refresh = useRepeated({
    everyMillis: EVERY_MILLIS,
    longestPauseMillis: LONGEST_PAUSE_MILLIS,
    ask: async (isOver) => {
      const seen = new Map<string, Session>();
      for await (const session of relay.listSessions(PAGE)) {
        if (isOver()) return;
        seen.set(session.id, session);
        if (seen.size >= MOST_SESSIONS) break;
        // The first time there is nothing older to show.
        if (known.current === 0 && seen.size % PAGE === 0) show([...seen.values()], false);
      }
      known.current = seen.size;
      if (!isOver()) show([...seen.values()], true);
    },
    showFailure: (error) => setState((before) => ({ ...before, error })),
  });
  return { ...state, refresh };
}
