import { startRelay } from "../../local/relay.ts";
import type { FunctionName } from "../../shared/aws/resources.ts";
import { childCpuSeconds } from "./childCpu.ts";
import { startMeteredDatabase } from "./meteredDatabase.ts";
import { type FunctionUsage, UsageMeter } from "./usage.ts";

/**
 * The relay in a separate process, so that its memory and its requests to AWS are counted apart from the producers and
 * receivers. It answers every message of its parent with a snapshot, and ends with its parent.
 */
export interface Snapshot {
  readonly url: string;
  readonly apiKey: string;
  /** Requests since the start, by the SDK's command name. */
  readonly requests: Readonly<Record<string, number>>;
  readonly peakResidentBytes: number;
  readonly cpuSeconds: number;
  /** Of the embedded database. */
  readonly childCpuSeconds: number;
  /** Empty unless the relay was started with BENCH_METERED. */
  readonly usage: Partial<Record<FunctionName, FunctionUsage>>;
}

const meter = process.env.BENCH_METERED ? new UsageMeter() : undefined;
const metered = meter === undefined ? undefined : await startMeteredDatabase();
const relay = await startRelay({
  environment: metered ? { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: metered.endpoint } : process.env,
  port: 0,
  ...(meter ? { host: meter.host } : {}),
});
meter?.attach(relay.clients);
const requests: Record<string, number> = {};
function count(name: string | undefined): void {
  requests[name ?? "unknown"] = (requests[name ?? "unknown"] ?? 0) + 1;
}
relay.clients.documents.middlewareStack.add(
  (next, context) => (args) => {
    count(context.commandName);
    return next(args);
  },
  { step: "initialize", name: "countRequests" },
);
relay.clients.sqs.middlewareStack.add(
  (next, context) => (args) => {
    count(context.commandName);
    return next(args);
  },
  { step: "initialize", name: "countRequests" },
);

function snapshot(): Snapshot {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    url: relay.url,
    apiKey: relay.apiKey,
    requests: { ...requests },
    peakResidentBytes: maxRSS * 1024,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    childCpuSeconds: childCpuSeconds(),
    usage: meter?.snapshot() ?? {},
  };
}

process.on("message", () => process.send?.(snapshot()));
process.on("disconnect", async () => {
  await relay.stop();
  await metered?.close();
  process.exit(0);
});
process.on("SIGINT", () => {});
process.send?.(snapshot());
