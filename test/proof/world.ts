import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import type { DeliveryOutcome } from "../../shared/webhook/outcome.ts";
import type { FeedRows, Witnessed } from "../support/witnessed.ts";
import type { HintMessage, HintQueues } from "./hintQueues.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Setup } from "./setup.ts";
import type { Wish } from "./wish.ts";

/** Where schedules run: over tables in memory, or with the real handlers, SDK and engine. */
export interface World {
  /** The parts of a setup that cannot happen here. */
  readonly lacks: readonly (keyof Setup)[];
  /** Lends a new feed to one run. */
  lend<T>(run: Run, use: (feed: WorldFeed) => Promise<T>): Promise<T>;
}

/** One feed, and the processes that can work on it. A process is named; all that it calls waits at its gate. */
export interface WorldFeed {
  /** From the head. */
  createSession(): Promise<void>;
  fulfil(wishes: readonly Wish[]): Promise<void>;
  /** Resolves to the numbers that the batch got; to nothing when it must be sent again. */
  ingest(process: string): (batch: Batch) => Promise<Numbers | undefined>;
  notify(process: string): Worker;
  deliver(process: string): Worker;
  sweep(process: string): () => Promise<void>;
  rows(): Promise<FeedRows>;
  moves(): NonNullable<Witnessed["moves"]>;
  /** What went wrong that the rows do not show. */
  problems(): readonly string[];
  /** Lets the process die once the call that it waits for was performed. Absent where its next gate is as good. */
  dieAfterCall?(process: string): void;
}

/** Works on messages; resolves to the ids of those that must be given again. */
export type Worker = (messages: readonly HintMessage[]) => Promise<readonly string[]>;

export interface Batch {
  readonly producer: string;
  readonly position: number;
  readonly events: readonly object[];
}

export interface Numbers {
  readonly first: number | null;
  readonly last: number | null;
}

/** What a run offers to the world that it borrows. */
export interface Run {
  readonly setup: Setup;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly hints: HintQueues;
  readonly log: Log;
  readonly random: () => number;
  /** Nothing goes wrong any more. */
  readonly isCalm: boolean;
  readonly nowEpochMillis: number;
  clockOf(process: string): Clock;
  /** False once the AbortSignal of the process's append would have fired, which counts real time. */
  mayPut(process: string): boolean;
  post(process: string, request: { readonly id: string; readonly body: string }): Promise<DeliveryOutcome>;
  crash(process: string): void;
  /** A fault that a call met. */
  note(fault: string): void;
}

/** Whether everything that the setup asks for can happen in the world. */
export function canRun({ lacks }: Pick<World, "lacks">, setup: Setup): boolean {
  return lacks.every((part) => {
    const asked = setup[part];
    return Array.isArray(asked) ? asked.length === 0 : !asked;
  });
}
