import { startRelay } from "../../local/relay.ts";
import type { FunctionName } from "../../shared/aws/resources.ts";
import { type FunctionUsage, UsageMeter } from "./usage.ts";

/**
 * The relay in a process of its own, so that its memory and its requests to AWS are counted apart from the producers
 * and receivers that load it. Answers every message of its parent with a snapshot; ends when the parent is gone.
 */
export interface Snapshot {
  readonly url: string;
  readonly apiKey: string;
  /** Requests since the start, by the SDK's command name. */
  readonly requests: Readonly<Record<string, number>>;
  readonly peakResidentBytes: number;
  readonly cpuSeconds: number;
  /** Of a relay that was started with BENCH_METERED. */
  readonly usage: Partial<Record<FunctionName, FunctionUsage>>;
}

const meter = process.env.BENCH_METERED ? new UsageMeter() : undefined;
const relay = await startRelay({
  environment: process.env,
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

// The slow lane's queue becomes the fast one's for all who send and poll: the same relay with as many places to work
// in, and no lanes.
if (process.env.BENCH_ONE_LANE !== undefined) {
  const { slow, wake } = relay.queues;
  relay.clients.sqs.middlewareStack.add(
    (next) => (args) => {
      const input = args.input as { QueueUrl?: string };
      return next(input.QueueUrl === slow.url ? { ...args, input: { ...input, QueueUrl: wake.url } } : args);
    },
    { step: "initialize", name: "oneLane" },
  );
}

function snapshot(): Snapshot {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return {
    url: relay.url,
    apiKey: relay.apiKey,
    requests: { ...requests },
    peakResidentBytes: maxRSS * 1024,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    usage: meter?.snapshot() ?? {},
  };
}

process.on("message", () => process.send?.(snapshot()));
process.on("disconnect", () => void relay.stop().then(() => process.exit(0)));
process.on("SIGINT", () => {});
process.send?.(snapshot());
