import { type Relay, type RelayOptions, startRelay } from "../../local/relay.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { RelayApi } from "./relayApi.ts";

/** Recorded log entries. */
export interface LogEntry {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly facts: Record<string, unknown>;
}

/** The whole relay in this process with its own engines, called over HTTP like a user would. */
export class TestRelay extends RelayApi implements AsyncDisposable {
  readonly relay: Relay;
  readonly logged: LogEntry[];

  private constructor(relay: Relay, logged: LogEntry[]) {
    super(relay.url, relay.apiKey);
    this.relay = relay;
    this.logged = logged;
  }

  static async start(
    environment: Environment = {},
    dataDirectory?: string,
    parts: Pick<RelayOptions, "webhook" | "clientsOf" | "clock" | "amiPort" | "host"> = {},
  ): Promise<TestRelay> {
    const logged: LogEntry[] = [];
    const entry =
      (level: LogEntry["level"]) =>
      (message: string, facts: Record<string, unknown> = {}) =>
        void logged.push({ level, message, facts });
    const log: Log = { info: entry("info"), warn: entry("warn"), error: entry("error") };
    const relay = await startRelay({
      environment: { ...wholeSuiteSettings(), ...environment },
      port: 0,
      log,
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
      ...parts,
    });
    return new TestRelay(relay, logged);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.stop();
  }
}

/** Small distinct events. `type` cycles through the given types. */
export function someEvents(count: number, types: readonly string[] = ["ChannelCreated"], from = 1): object[] {
  return Array.from({ length: count }, (_, index) => ({
    type: types[index % types.length],
    timestamp: "2026-11-23T08:00:24.396+0000",
    number: from + index,
  }));
}

/** `RELAY_CURSOR_GROUPS=0 npx vitest run test/pipeline` runs every test with a row for each session. */
function wholeSuiteSettings(): Environment {
  const { RELAY_CURSOR_GROUPS } = process.env;
  return RELAY_CURSOR_GROUPS === undefined ? {} : { RELAY_CURSOR_GROUPS };
}
