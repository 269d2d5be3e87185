import type { Acknowledgement, Appended, ReadLimit, SpoolBatch, SpoolMeasure } from "../spool.ts";
import type { MemoryChanges } from "../truth/memory.ts";
import type { OpenSpoolOptions } from "./openSpool.ts";
import type { PackedRecords } from "./packing.ts";
import type { SpoolErrorCode } from "./spoolError.ts";

/** What the main thread asks of the spools' thread. `spool` is the number that the main thread gave the spool. */
export type Task =
  | { readonly kind: "open"; readonly options: OpenSpoolOptions }
  | { readonly kind: "append"; readonly records: PackedRecords; readonly changes: MemoryChanges }
  | { readonly kind: "memory" }
  | { readonly kind: "read"; readonly limit: ReadLimit }
  | { readonly kind: "acknowledge"; readonly answer: Acknowledgement }
  | { readonly kind: "renewProducer" }
  | { readonly kind: "close" };

export interface Request {
  readonly call: number;
  readonly spool: number;
  readonly task: Task;
}

export interface PackedBatch extends Omit<SpoolBatch, "records"> {
  readonly records: PackedRecords;
}

export type Result =
  | { readonly kind: "done" }
  | { readonly kind: "appended"; readonly appended: Appended }
  | { readonly kind: "memory"; readonly memory: ReadonlyMap<string, string> }
  | { readonly kind: "batch"; readonly batch: PackedBatch };

/** An error's class does not survive the way between threads; its parts do. */
export interface SentError {
  readonly reason: SpoolErrorCode | undefined;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export type Response =
  | { readonly call: number; readonly result: Result; readonly measure: SpoolMeasure | undefined }
  | { readonly call: number; readonly error: SentError }
  /** Without a call: a damaged file was moved aside. */
  | { readonly spool: number; readonly movedTo: string; readonly message: string };
