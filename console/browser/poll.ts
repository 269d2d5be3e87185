import { useEffect, useState } from "preact/hooks";
import { useRepeated } from "./repeat.ts";

const LONGEST_PAUSE_MILLIS = 30_000;

export interface Polled<T> {
  /** The last answer; also while later ones fail. */
  readonly data: T | undefined;
  readonly error: unknown;
  readonly atEpochMillis: number | undefined;
  refresh(): void;
}

/** The newest answer, asked for again and again. */
export function usePoll<T>(ask: () => Promise<T>, everyMillis: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "refresh">>({
    data: undefined,
    error: undefined,
    atEpochMillis: undefined,
  });
  const refresh = useRepeated({
    everyMillis,
    longestPauseMillis: LONGEST_PAUSE_MILLIS,
    ask: async (isOver) => {
      const data = await ask();
      if (!isOver()) setState({ data, error: undefined, atEpochMillis: Date.now() });
    },
    showFailure: (error) => setState((before) => ({ ...before, error })),
  });
  return { ...state, refresh };
}

/** The time, again each second, for what is shown as "12 s ago". */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
