import { execFile } from "node:child_process";
import type { Log } from "../../shared/runtime/log.ts";

export interface Systemd {
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** Tells systemd regularly that the process lives, if the unit has `WatchdogSec`. */
  [Symbol.dispose](): void;
}

type Run = (assignments: readonly string[], whenFailed: (error: Error) => void) => void;

/**
 * Tells systemd the state of the process. The socket in NOTIFY_SOCKET is a datagram socket, which Node does not have, so
 * systemd's own `systemd-notify` writes to it; the unit needs `NotifyAccess=all`. Without systemd nothing happens.
 */
export function systemd(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
  run: Run = notify,
): Systemd {
  if (!environment.NOTIFY_SOCKET)
    return { ready: () => {}, reloading: () => {}, stopping: () => {}, [Symbol.dispose]: () => {} };
  let hasFailed = false;
  const tell = (...assignments: string[]) =>
    run(assignments, (error) => {
      if (!hasFailed)
        log.warn("systemd-notify failed, so systemd does not know this process's state", { error });
      hasFailed = true;
    });
  const watchdogMillis = Number(environment.WATCHDOG_USEC ?? 0) / 1000;
  const watchdog =
    watchdogMillis > 0
      ? setInterval(() => tell("WATCHDOG=1"), Math.max(1_000, watchdogMillis / 3))
      : undefined;
  watchdog?.unref();
  return {
    ready: () => tell("READY=1"),
    // With Type=notify; Type=notify-reload would need the monotonic time, which Node's clock is not.
    reloading: () => tell("STATUS=reading the configuration again"),
    stopping: () => tell("STOPPING=1", "STATUS=shipping what is spooled"),
    [Symbol.dispose]: () => clearInterval(watchdog),
  };
}

function notify(assignments: readonly string[], whenFailed: (error: Error) => void): void {
  execFile("systemd-notify", assignments, { timeout: 5_000 }, (error) => {
    if (error !== null) whenFailed(error);
  });
}
