import { Counter, Gauge, Registry } from "prom-client";
import type { LoopDelays } from "./loopDelay.ts";
import type { PbxCounts, PbxStatus } from "./status.ts";

const COUNTERS = {
  received: "Events that the PBX handed over.",
  spooled: "Records stored in the spool, gaps and snapshots included.",
  shipped: "Records that the relay has.",
  refused: "Records that the relay refused. They are kept in the spool.",
  dropped: "Records that the spool's limits removed. A gap record stands in their place.",
  reconnects: "Times that the link to the PBX came up again.",
} as const satisfies Partial<Record<keyof PbxCounts, string>>;

/** Prometheus' text of what the PBXs look like now. */
export async function metricsText(
  statuses: readonly PbxStatus[],
  loopDelays: LoopDelays,
  nowEpochMillis: number,
): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = ["feed"];
  for (const [name, help] of Object.entries(COUNTERS)) {
    const counter = new Counter({ name: `stasis_relay_bridge_${name}_total`, help, labelNames, registers });
    for (const { feed, counts } of statuses) counter.inc({ feed }, counts[name as keyof typeof COUNTERS]);
  }
  const gaps = new Counter({
    name: "stasis_relay_bridge_gaps_total",
    help: "Gap records by reason.",
    labelNames: ["feed", "reason"],
    registers,
  });
  for (const { feed, counts } of statuses)
    for (const [reason, count] of Object.entries(counts.gaps)) gaps.inc({ feed, reason }, count);
  const gauge = (name: string, help: string, readValue: (status: PbxStatus) => number) => {
    const made = new Gauge({ name: `stasis_relay_bridge_${name}`, help, labelNames, registers });
    for (const status of statuses) made.set({ feed: status.feed }, readValue(status));
  };
  gauge("link_up", "1 while the PBX is connected.", ({ link }) => (link === "up" ? 1 : 0));
  gauge("taken_over", "1 after another client took the ARI application.", ({ link }) =>
    link === "taken-over" ? 1 : 0,
  );
  gauge("relay_up", "1 while the relay takes events.", ({ relayTrouble }) =>
    relayTrouble === undefined ? 1 : 0,
  );
  gauge("spool_up", "1 while events can be stored.", ({ spoolTrouble }) =>
    spoolTrouble === undefined ? 1 : 0,
  );
  gauge("lag_records", "Records that wait for the relay.", ({ spool }) => spool.records);
  gauge("spool_bytes", "Bytes of the records that wait for the relay.", ({ spool }) => spool.bytes);
  gauge("spool_oldest_age_seconds", "Age of the oldest record that waits for the relay.", ({ spool }) =>
    spool.oldestReceivedAtEpochMillis === undefined
      ? 0
      : Math.max(0, nowEpochMillis - spool.oldestReceivedAtEpochMillis) / 1000,
  );
  const loop = new Gauge({
    name: "stasis_relay_bridge_event_loop_delay_seconds",
    help: "How late the process was for its timers in the last minute or two. Quantile 1 is the longest delay.",
    labelNames: ["quantile"],
    registers,
  });
  for (const [quantile, seconds] of loopDelays) loop.set({ quantile }, seconds);
  return registry.metrics();
}
