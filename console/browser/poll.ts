import { useCallback, useEffect, useRef, useState } from "preact/hooks";

const LONGEST_PAUSE_MILLIS = 30_000;

export interface Polled<T> {
  /** The last answer; also while later ones fail. */
  readonly data: T | undefined;
  readonly error: unknown;
  readonly atEpochMillis: number | undefined;
  refresh(): void;
}

/**
 * Asks again and again while the page is visible. A slow answer is asked for less often, and failures ever more slowly.
 */
export function usePoll<T>(ask: () => Promise<T>, everyMillis: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, "refresh">>({
    data: undefined,
    error: undefined,
    atEpochMillis: undefined,
  });
  const current = useRef(ask);
  current.current = ask;
  const kick = useRef(() => {});

  useEffect(() => {
    let isOver = false;
    let failures = 0;
    let timer = 0;
    let running = false;
    const run = async () => {
      clearTimeout(timer);
      if (isOver || running) return;
      running = true;
      const began = performance.now();
      try {
        const data = await current.current();
        failures = 0;
        if (!isOver) setState({ data, error: undefined, atEpochMillis: Date.now() });
      } catch (error) {
        failures += 1;
        if (!isOver) setState((before) => ({ ...before, error }));
      }
      running = false;
      const tookMillis = performance.now() - began;
      const pause = Math.min(LONGEST_PAUSE_MILLIS, Math.max(everyMillis, 3 * tookMillis) * 2 ** failures);
      if (!isOver && !document.hidden) timer = setTimeout(run, pause);
    };
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
  }, [everyMillis]);

  const refresh = useCallback(() => kick.current(), []);
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
