import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bridge } from "../../bridge/bridge.ts";
import type { Resolved, ResolvedPbx } from "../../bridge/config/resolve.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { AriPbx } from "../support/asterisk/ariPbx.ts";
import type { LogEntry, TestRelay } from "../support/testRelay.ts";

/** A directory of a test's own. */
export class TestDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "stasis-relay-bridge-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export function ariConfig(feed: string, pbx: Pick<AriPbx, "url">): ResolvedPbx {
  const ari = { url: pbx.url, username: "ari", password: "secret", app: `relay-${feed}` };
  return { feed, main: { kind: "ari", ari }, rest: undefined };
}

export function bridgeConfig(
  relay: Pick<TestRelay["relay"], "url" | "apiKey">,
  directory: TestDirectory,
  pbxs: readonly ResolvedPbx[],
): Resolved {
  return {
    relay: { url: relay.url, key: relay.apiKey },
    spool: {
      directory: directory.path,
      limits: { maxBytes: 64 * 2 ** 20, maxAgeMillis: 86_400_000, policy: "drop-oldest" },
    },
    outside: { host: "127.0.0.1", port: 0 },
    listen: undefined,
    pbxs,
  };
}

/** A bridge in this process, with what it logged. Times are short: nobody waits a minute for drift. */
export class TestBridge implements AsyncDisposable {
  readonly bridge: Bridge;
  readonly logged: LogEntry[];

  private constructor(bridge: Bridge, logged: LogEntry[]) {
    this.bridge = bridge;
    this.logged = logged;
  }

  static async start(config: Resolved, driftEveryMillis = 60_000): Promise<TestBridge> {
    const logged: LogEntry[] = [];
    const entry =
      (level: LogEntry["level"]) =>
      (message: string, facts: Record<string, unknown> = {}) =>
        void logged.push({ level, message, facts });
    const log: Log = { info: entry("info"), warn: entry("warn"), error: entry("error") };
    const watchTimes = { settleMillis: 50, confirmMillis: 50, driftEveryMillis, retryMillis: 50 };
    const bridge = await Bridge.start(config, {
      clock: systemClock,
      log,
      newId: randomUUID,
      watchTimes,
      shipWithinMillis: 2_000,
    });
    return new TestBridge(bridge, logged);
  }

  status(feed: string) {
    return this.bridge.statuses().find((status) => status.feed === feed);
  }

  linesOf(feed: string, level: LogEntry["level"]): string[] {
    return this.logged
      .filter((entry) => entry.facts.feed === feed && entry.level === level)
      .map(({ message }) => message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge.stop();
  }
}
