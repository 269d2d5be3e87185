import { useCallback, useEffect, useRef } from "preact/hooks";

export interface Repeated {
  readonly everyMillis: number;
  readonly longestPauseMillis: number;
  /** Asks once. Rejects when that fails, and shows nothing more once the page `isOver`. */
  ask(isOver: () => boolean): Promise<void>;
  /** Shows why it failed. */
  showFailure(error: unknown): void;
}

/**
 * Asks again and again while the page is visible. A slow answer is asked for less often, and failures ever more slowly.
 * @returns asks at once
 */
export function useRepeated(repeated: Repeated): () => void {
  const current = useRef(repeated);
  current.current = repeated;
  const kick = useRef(() => {});
  const { everyMillis, longestPauseMillis } = repeated;

  useEffect(() => {
    let isOver = false;
    let isRunning = false;
    let failures = 0;
    let timer = 0;
    const run = async () => {
      clearTimeout(timer);
      if (isOver || isRunning) return;
      isRunning = true;
      const began = performance.now();
      try {
        await current.current.ask(() => isOver);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!isOver) current.current.showFailure(error);
      }
      isRunning = false;
      const tookMillis = performance.now() - began;
      const pauseMillis = Math.min(longestPauseMillis, Math.max(everyMillis, 3 * tookMillis) * 2 ** failures);
      if (!isOver && !document.hidden) timer = setTimeout(run, pauseMillis);
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
  }, [everyMillis, longestPauseMillis]);

  return useCallback(() => kick.current(), []);
}
