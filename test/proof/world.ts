import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { Settings } from "../../shared/runtime/settings.ts";
import type { DeliveryOutcome } from "../../shared/webhook/outcome.ts";
import type { FeedRows, Witnessed } from "../support/witnessed.ts";
import type { HintMessage, HintQueues } from "./hintQueues.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Setup } from "./setup.ts";
import type { Wish } from "./wish.ts";

/** The environment of schedules: tables in memory, or the real handlers, SDK and engine. */
export interface World {
  /** The parts of a setup that this world does not support. */
  readonly lacks: readonly (keyof Setup)[];
  /** Lends a new feed to one run. */
  lend<T>(run: Run, use: (feed: WorldFeed) => Promise<T>): Promise<T>;
}

/** One feed, and the processes that work on it. A process has a name, and all its calls wait at its gate. */
export interface WorldFeed {
  /** The session starts at the head. */
  createSession(): Promise<void>;
  fulfil(wishes: readonly Wish[]): Promise<void>;
  /** Resolves to the batch's sequence numbers, or to undefined if the producer must resend it. */
  ingest(process: string): (batch: Batch) => Promise<Numbers | undefined>;
  notify(process: string): Worker;
  deliver(process: string): Worker;
  sweep(process: string): () => Promise<void>;
  rows(): Promise<FeedRows>;
  moves(): NonNullable<Witnessed["moves"]>;
  /** Violations that the rows do not show. */
  problems(): readonly string[];
  /** Lets the process die after its current call. Absent where dying at the next gate is equivalent. */
  dieAfterCall?(process: string): void;
}

/** Handles messages. Resolves to the ids of the messages that must be redelivered. */
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

/** The run's side: what a world may use of it. */
export interface Run {
  readonly setup: Setup;
  readonly settings: Settings;
  readonly scheduler: Scheduler;
  readonly hints: HintQueues;
  readonly log: Log;
  readonly random: () => number;
  /** No more faults are injected. */
  readonly isCalm: boolean;
  readonly nowEpochMillis: number;
  clockOf(process: string): Clock;
  /** False once the AbortSignal of the process's append would have fired, which counts real time. */
  mayPut(process: string): boolean;
  post(process: string, request: { readonly id: string; readonly body: string }): Promise<DeliveryOutcome>;
  crash(process: string): void;
  /** Records an injected fault. */
  note(fault: string): void;
}

/** Whether the world supports every part of the setup. */
export function canRun({ lacks }: Pick<World, "lacks">, setup: Setup): boolean {
  return lacks.every((part) => {
    const asked = setup[part];
    return Array.isArray(asked) ? asked.length === 0 : !asked;
  });
}
