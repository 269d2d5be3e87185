import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "../../shared/runtime/log.ts";

export interface Systemd {
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** Tells systemd regularly that the process lives, if the unit has `WatchdogSec`. */
  [Symbol.dispose](): void;
}

type Run = (assignments: readonly string[]) => Promise<unknown>;

/**
 * Tells systemd the state of the process (sd_notify(3)). The socket in NOTIFY_SOCKET is a datagram socket, which Node does
 * not have, so systemd's own `systemd-notify` writes to it; the unit needs `NotifyAccess=all`. Each message waits for the
 * one before, because a READY that overtakes its RELOADING leaves the unit reloading. Without systemd nothing happens.
 */
export function systemd(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
  run: Run = notify,
): Systemd {
  if (!environment.NOTIFY_SOCKET)
    return { ready: () => {}, reloading: () => {}, stopping: () => {}, [Symbol.dispose]: () => {} };
  let hasFailed = false;
  let last: Promise<unknown> = Promise.resolve();
  const tell = (...assignments: string[]) => {
    last = last
      .then(() => run(assignments))
      .catch((error: unknown) => {
        if (!hasFailed)
          log.warn("systemd-notify failed, so systemd does not know this process's state", { error });
        hasFailed = true;
      });
  };
  const watchdogMillis = Number(environment.WATCHDOG_USEC ?? 0) / 1000;
  const watchdog =
    watchdogMillis > 0
      ? setInterval(() => tell("WATCHDOG=1"), Math.max(1_000, watchdogMillis / 3))
      : undefined;
  watchdog?.unref();
  return {
    ready: () => tell("READY=1", "STATUS=running"),
    // Node's high-resolution time is CLOCK_MONOTONIC, which Type=notify-reload compares.
    reloading: () =>
      tell(
        "RELOADING=1",
        `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`,
        "STATUS=reading the configuration again",
      ),
    stopping: () => tell("STOPPING=1", "STATUS=shipping what is spooled"),
    [Symbol.dispose]: () => clearInterval(watchdog),
  };
}

const execute = promisify(execFile);

function notify(assignments: readonly string[]): Promise<unknown> {
  return execute("systemd-notify", assignments, { timeout: 5_000 });
}
