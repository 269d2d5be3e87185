import type { RelayClient } from "../client/index.ts";
import { type Clock, systemClock } from "../shared/runtime/clock.ts";
import type { MetricName } from "../shared/runtime/metricNames.ts";
import type { Metrics } from "../shared/runtime/metrics.ts";
import { troubleOf } from "./trouble.ts";

const EVERY_MILLIS = 1_000;
/** However many feeds and sessions there are, a second takes few lines and few reads. */
const SHOWN_FEEDS = 10;
const SHOWN_SESSIONS = 10;
const READ_SESSIONS = 200;
/** A failed attempt is counted before its session says why. */
const LOOKS_AFTER_FAILURE = 2;

const SHOWN = {
  AppendedEvents: "appended",
  RefusedEvents: "refused",
  DeliveredMessages: "delivered",
  FailedAttempts: "failed attempts",
} as const satisfies Partial<Record<MetricName, string>>;
const SHOWN_NAMES = Object.keys(SHOWN) as (keyof typeof SHOWN)[];

/** Counts what the functions record, so that somebody who watches the relay sees what it does. */
export class Activity implements Metrics {
  readonly #leftOut: ReadonlySet<string>;
  #counts = new Map<string, Map<keyof typeof SHOWN, number>>();

  /** @param leftOut feeds of which others tell */
  constructor(leftOut: readonly string[] = []) {
    this.#leftOut = new Set(leftOut);
  }

  record(feed: string, values: Partial<Record<MetricName, number>>): void {
    if (this.#leftOut.has(feed)) return;
    for (const name of SHOWN_NAMES) {
      const value = values[name] ?? 0;
      if (value === 0) continue;
      const counts = this.#counts.get(feed) ?? new Map<keyof typeof SHOWN, number>();
      this.#counts.set(feed, counts.set(name, (counts.get(name) ?? 0) + value));
    }
  }

  publish(): void {}

  /** What happened in each feed since the last call. */
  takeCounts(): ReadonlyMap<string, ReadonlyMap<keyof typeof SHOWN, number>> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }

  /** A line for each feed in which something happened since the last call, the busiest first. */
  take(): { readonly lines: readonly string[]; readonly hasFailures: boolean } {
    const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);
    const feeds = [...this.takeCounts()].sort(([, a], [, b]) => sum(b) - sum(a));
    const lines = feeds.slice(0, SHOWN_FEEDS).map(([feed, counts]) => {
      const parts = SHOWN_NAMES.filter((name) => counts.has(name));
      return `${feed}: ${parts.map((name) => `${SHOWN[name]} ${counts.get(name)}`).join(", ")}`;
    });
    const more = feeds.length - lines.length;
    return {
      lines: more > 0 ? [...lines, `… and ${more} more feeds`] : lines,
      hasFailures: feeds.some(([, counts]) => counts.has("FailedAttempts")),
    };
  }
}

export interface WatchOptions {
  readonly activity: Activity;
  readonly client: Pick<RelayClient, "listSessions">;
  readonly stopping: AbortSignal;
  /** Whether to say why sessions back off. */
  readonly showsSessions: boolean;
  readonly clock?: Pick<Clock, "sleep">;
  print(line: string): void;
}

/**
 * Until `stopping` aborts, prints once a second what happened in each feed, and why sessions back off. It reads the
 * sessions only after attempts that failed.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const { activity, client, stopping, showsSessions, clock = systemClock, print } = options;
  const troubles = new Map<string, string>();
  for (let looks = 0; !stopping.aborted; await clock.sleep(EVERY_MILLIS, stopping)) {
    const { lines, hasFailures } = activity.take();
    for (const line of lines) print(line);
    if (hasFailures && showsSessions) looks = LOOKS_AFTER_FAILURE;
    // A session in trouble is looked at until it has recovered.
    if (looks === 0 && troubles.size === 0) continue;
    looks = Math.max(0, looks - 1);
    // A relay that cannot answer at present is asked again a second later; its log says why.
    for (const line of await troubledSessions(client, troubles).catch(() => [])) print(line);
  }
}

/** What changed in the sessions that do not receive. `known` keeps what was said of each. */
async function troubledSessions(
  client: Pick<RelayClient, "listSessions">,
  known: Map<string, string>,
): Promise<string[]> {
  const lines: string[] = [];
  const stillTroubled = new Set<string>();
  let read = 0;
  for await (const session of client.listSessions()) {
    if (++read > READ_SESSIONS) break;
    const trouble = troubleOf(session);
    const name = `${session.feed}/${session.id}`;
    if (trouble !== undefined && stillTroubled.size < SHOWN_SESSIONS) {
      stillTroubled.add(session.id);
      if (known.get(session.id) !== trouble) lines.push(`${name}: ${trouble}`);
      known.set(session.id, trouble);
    } else if (trouble === undefined && known.has(session.id)) lines.push(`${name}: active again`);
  }
  for (const id of known.keys()) if (!stillTroubled.has(id)) known.delete(id);
  return lines;
}
