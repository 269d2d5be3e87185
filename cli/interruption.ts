import { EXIT } from "./exitCodes.ts";

/**
 * Ctrl-C and SIGTERM ask a command to end where it is safe. A second Ctrl-C ends it at once.
 *
 *     using stop = interruption();
 *     while (!stop.signal.aborted) …
 */
export function interruption(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    // The terminal has written ^C, and what follows begins a line.
    if (process.stderr.isTTY) process.stderr.write("\n");
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}

/** Resolves after the time, or at once when the signal aborts. */
export function pauseUnless(millis: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener("abort", done, { once: true });
  });
}
