import { randomUUID } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { Spool } from "../spool.ts";
import { type OpenSpoolOptions, openSpool } from "./openSpool.ts";
import { memoryOf, packRecords, unpackRecords } from "./packing.ts";
import { SpoolError } from "./spoolError.ts";
import type { Request, Response, Result, SentError, Task } from "./threadMessages.ts";

/** The thread of all spools of a process: `SpoolThread` starts it. It waits for the disk, so that nothing else has to. */

const EXPIRE_EVERY_MILLIS = 60_000;

const spools = new Map<number, Spool>();

function open(number: number, options: OpenSpoolOptions): Spool {
  return openSpool(options, {
    clocks: { nowEpochMillis: Date.now, monotonicMillis: () => performance.now() },
    processId: process.pid,
    newName: randomUUID,
    onCorrupt: ({ movedTo, error }) => send({ spool: number, movedTo, message: error.message }),
  });
}

function perform(number: number, task: Task): Result {
  if (task.kind === "open") {
    spools.set(number, open(number, task.options));
    return { kind: "done" };
  }
  const spool = spools.get(number);
  if (spool === undefined) throw new SpoolError("closed", "the spool is closed");
  switch (task.kind) {
    case "append":
      return { kind: "appended", appended: spool.append(unpackRecords(task.records), task.changes) };
    case "memory":
      return { kind: "memory", memory: spool.memory() };
    case "read": {
      const batch = spool.read(task.limit);
      return { kind: "batch", batch: { ...batch, records: packRecords(batch.records) } };
    }
    case "acknowledge":
      spool.acknowledge(task.answer);
      return { kind: "done" };
    case "renewProducer":
      spool.renewProducer();
      return { kind: "done" };
    case "close":
      spools.delete(number);
      spool.close();
      return { kind: "done" };
  }
}

function send(response: Response): void {
  const memory =
    "result" in response && response.result.kind === "batch" ? response.result.batch.records : undefined;
  parentPort?.postMessage(response, memory === undefined ? [] : memoryOf(memory));
}

function sentError(error: unknown): SentError {
  if (error instanceof SpoolError)
    return { reason: error.reason, message: error.message, facts: error.facts };
  return { reason: undefined, message: String(error), facts: {} };
}

parentPort?.on("message", ({ call, spool, task }: Request) => {
  try {
    const result = perform(spool, task);
    send({ call, result, measure: spools.get(spool)?.measure() });
  } catch (error) {
    send({ call, error: sentError(error) });
  }
});

setInterval(() => {
  for (const spool of spools.values())
    try {
      spool.expire();
    } catch {
      // The next append fails for the same reason, and says so.
    }
}, EXPIRE_EVERY_MILLIS).unref();
