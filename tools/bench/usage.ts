import { AsyncLocalStorage } from "node:async_hooks";
import type { FunctionHost } from "../../local/relay.ts";
import type { AwsClients } from "../../shared/aws/clients.ts";
import { type FunctionName, tables } from "../../shared/aws/resources.ts";
import { itemBytes } from "./itemBytes.ts";

/** Everything that AWS would bill one function for. */
export interface FunctionUsage {
  invocations: number;
  /** SQS messages that it was invoked with. */
  records: number;
  /** The most environments that ran at the same time. */
  environments: number;
  /** Time in the function, including invocations in flight. */
  millis: number;
  /** Requests by the SDK's command name. */
  requests: Record<string, number>;
  readUnits: number;
  writeUnits: number;
  /** Read units for the configuration of sessions: once in an environment, which lives for hours on AWS. Not in `readUnits`. */
  configurationUnits: number;
  /** Total size of the pages that it put. */
  putBytes: number;
}

const READS = new Set(["GetItemCommand", "QueryCommand", "ScanCommand", "BatchGetItemCommand"]);

/**
 * Meters each function separately. As on AWS, an invocation gets an environment that no other invocation is using, so
 * invocations share a cache only where they would on AWS. The database reports the capacity in its responses.
 */
export class UsageMeter {
  readonly #usage: Partial<Record<FunctionName, FunctionUsage>> = {};
  readonly #running = new Map<symbol, { usage: FunctionUsage; sinceMillis: number }>();
  readonly #current = new AsyncLocalStorage<FunctionUsage>();

  readonly host: FunctionHost = (name, create) => {
    type Handler = ReturnType<typeof create>;
    const usage = this.#of(name);
    const idle: Handler[] = [];
    return (async (event: never) => {
      const handler = idle.pop() ?? this.#another(usage, create);
      const invocation = Symbol(name);
      usage.invocations += 1;
      usage.records += (event as { Records?: unknown[] } | undefined)?.Records?.length ?? 0;
      this.#running.set(invocation, { usage, sinceMillis: performance.now() });
      try {
        return await this.#current.run(usage, () => handler(event));
      } finally {
        usage.millis += performance.now() - (this.#running.get(invocation)?.sinceMillis ?? 0);
        this.#running.delete(invocation);
        idle.push(handler);
      }
    }) as Handler;
  };

  #of(name: FunctionName): FunctionUsage {
    const fresh = { requests: {}, readUnits: 0, writeUnits: 0, configurationUnits: 0, putBytes: 0 };
    const usage = this.#usage[name] ?? { invocations: 0, records: 0, environments: 0, millis: 0, ...fresh };
    this.#usage[name] = usage;
    return usage;
  }

  #another<Handler>(usage: FunctionUsage, create: () => Handler): Handler {
    usage.environments += 1;
    return create();
  }

  /** Counts the functions' requests through these clients. */
  attach({ documents, sqs }: AwsClients): void {
    sqs.middlewareStack.add(
      (next, context) => (args) => {
        this.#count(context.commandName);
        return next(args);
      },
      { step: "initialize", name: "meterRequests" },
    );
    documents.middlewareStack.add(
      (next, context) => async (args) => {
        const name = context.commandName ?? "";
        this.#count(name);
        const input = { ...args.input, ReturnConsumedCapacity: "TOTAL" as const };
        const answer = await next({ ...args, input });
        this.#consume(name, args.input, answer.output as { ConsumedCapacity?: Capacity | Capacity[] });
        const usage = this.#current.getStore();
        if (usage && name === "PutItemCommand" && "Item" in input)
          usage.putBytes += itemBytes(input.Item ?? {});
        return answer;
      },
      { step: "initialize", name: "meterRequests" },
    );
  }

  #count(command = "unknown"): void {
    const usage = this.#current.getStore();
    if (usage) usage.requests[command] = (usage.requests[command] ?? 0) + 1;
  }

  #consume(
    command: string,
    input: object,
    { ConsumedCapacity = [] }: { ConsumedCapacity?: Capacity | Capacity[] },
  ): void {
    const usage = this.#current.getStore();
    if (usage === undefined) return;
    const isConfiguration = isOfSessions(input);
    const reads = isConfiguration ? "configurationUnits" : "readUnits";
    for (const { CapacityUnits = 0 } of [ConsumedCapacity].flat())
      usage[READS.has(command) ? reads : "writeUnits"] += CapacityUnits;
  }

  snapshot(): Partial<Record<FunctionName, FunctionUsage>> {
    const snapshot = structuredClone(this.#usage);
    const nowMillis = performance.now();
    for (const { usage, sinceMillis } of this.#running.values())
      for (const [name, each] of Object.entries(this.#usage) as [FunctionName, FunctionUsage][]) {
        const copy = snapshot[name];
        if (each === usage && copy) copy.millis += nowMillis - sinceMillis;
      }
    return snapshot;
  }
}

/** Whether a call reads the Sessions table, one item or several. */
function isOfSessions(input: { readonly TableName?: unknown; readonly RequestItems?: object }): boolean {
  return input.TableName === tables.sessions.name || tables.sessions.name in (input.RequestItems ?? {});
}

interface Capacity {
  readonly CapacityUnits?: number;
}
