import { hash } from "node:crypto";
import type { Step } from "../support/memoryStores.ts";

/**
 * A deterministic scheduler. Actors are async functions that wait at every operation of a store; one operation at a
 * time is picked and takes effect, so a run is a list of choices, and the same choices give the same run.
 */

/** Something that may happen next. */
export interface Choice {
  readonly label: string;
  /** Faults are rarer than work in random schedules. */
  readonly isFault: boolean;
  take(): void;
}

/** A system under exploration, fresh for every run. */
export interface World {
  /** What may happen next; nothing when the world is at rest. */
  choices(): Choice[];
  /** Equal for two moments only when whatever can follow is equal too. */
  fingerprint(): string;
  /** What is wrong at this moment. */
  violation(atRest: boolean): string | undefined;
}

export interface Violation {
  readonly what: string;
  /** The choices that lead there. */
  readonly trace: readonly string[];
}

export interface Exploration {
  readonly schedules: number;
  readonly states: number;
  /** Nothing was left out. */
  readonly isComplete: boolean;
  readonly violation: Violation | undefined;
}

interface Waiting {
  readonly operation: string;
  readonly outcomes: ReadonlyMap<string, () => void>;
}

/** One concurrent activity. Between two operations it does nothing that others could see. */
export class Actor {
  readonly name: string;
  readonly kind: string;
  /** Everything that it was answered: an actor is a function of it, so equal histories have equal futures. */
  history: string;
  isRunning = true;
  error: unknown;
  #waiting: Waiting[] = [];

  constructor(name: string, kind: string, input: string) {
    this.name = name;
    this.kind = kind;
    this.history = `${kind} ${input}`;
  }

  /** @param isInstant operations that nobody can tell from the one before them; they wait for no choice */
  step(nowEpochMillis: () => number, isInstant: (operation: string) => boolean): Step {
    return <T>(operation: string, effect: () => T, otherwise: Record<string, () => T> = {}) =>
      new Promise<T>((resolve, reject) => {
        const settle = (outcome: string, result: () => T) => {
          try {
            const value = result();
            this.#learn(`${operation}${outcome} @${nowEpochMillis()} ${summary(value)}`);
            resolve(value);
          } catch (error) {
            this.#learn(`${operation}${outcome} @${nowEpochMillis()} ${String(error)}`);
            reject(error);
          }
        };
        if (isInstant(`${this.name}: ${operation}`)) return settle("", effect);
        const outcomes = new Map([["", () => settle("", effect)]]);
        for (const [name, result] of Object.entries(otherwise))
          outcomes.set(name, () => settle(` (${name})`, result));
        this.#waiting.push({ operation, outcomes });
      });
  }

  run(body: () => Promise<unknown>): void {
    body().then(
      () => {
        this.isRunning = false;
      },
      (error: unknown) => {
        this.isRunning = false;
        this.error = error;
      },
    );
  }

  /** It never continues; what it waits for does not happen. */
  crash(): void {
    this.isRunning = false;
    this.#waiting = [];
  }

  /** What it can do next, each operation with the outcomes that it can have; "" is the usual one. */
  options(): { operation: string; outcome: string; take: () => void }[] {
    return this.#waiting.flatMap((waiting) =>
      [...waiting.outcomes].map(([outcome, settle]) => ({
        operation: waiting.operation,
        outcome,
        take: () => {
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          settle();
        },
      })),
    );
  }

  #learn(fact: string): void {
    this.history = hash("sha1", `${this.history}\n${fact}`);
  }
}

/** Pages are told by their numbers and their writer: they never change. */
function summary(value: unknown): string {
  return (
    JSON.stringify(value, (key, part: unknown) =>
      key === "body" || key === "runs" || key === "producers"
        ? undefined
        : part instanceof Map
          ? [...part]
          : part,
    ) ?? ""
  );
}

/** All that follows from a choice without another one has happened. Stores in memory need no timers. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Longer runs mean that the world does not come to rest. */
const MAX_CHOICES = 2_000;

/**
 * Runs one world to its rest, or until something is wrong or `choose` gives up.
 * @param choose the index of the next choice; undefined to give up
 */
async function run(
  world: World,
  choose: (choices: readonly Choice[], taken: number) => number | undefined,
): Promise<Violation | undefined> {
  const trace: string[] = [];
  await settled();
  for (;;) {
    const choices = world.choices();
    const what = world.violation(choices.length === 0);
    if (what !== undefined) return { what, trace };
    if (choices.length === 0) return undefined;
    if (trace.length >= MAX_CHOICES) return { what: "the world does not come to rest", trace };
    const index = choose(choices, trace.length);
    const choice = index === undefined ? undefined : choices[index];
    if (choice === undefined) return undefined;
    trace.push(choice.label);
    choice.take();
    await settled();
  }
}

/**
 * Every schedule, depth first: each run repeats the choices of an earlier one up to a point and goes another way from
 * there. Moments that were seen before are not followed again.
 */
export async function explore(newWorld: () => World, maxSchedules = 100_000): Promise<Exploration> {
  const seen = new Set<string>();
  const open: (readonly number[])[] = [[]];
  let schedules = 0;
  for (let prefix = open.pop(); prefix !== undefined; prefix = open.pop()) {
    if (schedules >= maxSchedules)
      return { schedules, states: seen.size, isComplete: false, violation: undefined };
    schedules += 1;
    const begun = prefix;
    const taken: number[] = [];
    const world = newWorld();
    const violation = await run(world, (choices, depth) => {
      let index = begun[depth];
      if (index === undefined) {
        const moment = world.fingerprint();
        if (seen.has(moment)) return undefined;
        seen.add(moment);
        for (let other = choices.length - 1; other > 0; other -= 1) open.push([...taken, other]);
        index = 0;
      }
      taken.push(index);
      return index;
    });
    if (violation) return { schedules, states: seen.size, isComplete: false, violation };
  }
  return { schedules, states: seen.size, isComplete: true, violation: undefined };
}

/** Random schedules; the same seed gives the same ones. A fault is taken in one of `1 / faultShare` choices. */
export async function sample(
  newWorld: () => World,
  { schedules, seed, faultShare = 0.1 }: { schedules: number; seed: number; faultShare?: number },
): Promise<Exploration> {
  const random = randomFrom(seed);
  const pick = (indexes: readonly number[]) => indexes[Math.floor(random() * indexes.length)];
  let states = 0;
  for (let done = 1; done <= schedules; done += 1) {
    const violation = await run(newWorld(), (choices) => {
      states += 1;
      const faults = choices.flatMap(({ isFault }, index) => (isFault ? [index] : []));
      const work = choices.flatMap(({ isFault }, index) => (isFault ? [] : [index]));
      return pick(faults.length > 0 && (work.length === 0 || random() < faultShare) ? faults : work);
    });
    if (violation) return { schedules: done, states, isComplete: false, violation };
  }
  return { schedules, states, isComplete: false, violation: undefined };
}

/**
 * One schedule, told by the labels of its choices: the first choice that begins with the next label is taken. When
 * the labels are used up, the run goes on with the first choice each time.
 * @throws when a label is not among the choices
 */
export async function follow(world: World, labels: readonly string[]): Promise<Violation | undefined> {
  return run(world, (choices, taken) => {
    const label = labels[taken];
    if (label === undefined) return 0;
    const index = choices.findIndex((choice) => choice.label.startsWith(label));
    if (index < 0)
      throw new Error(
        `"${label}" cannot happen now; what can is:\n${choices.map((each) => each.label).join("\n")}`,
      );
    return index;
  });
}

/** What went wrong and how, for a person. */
export function describeViolation(violation: Violation | undefined): string {
  return violation === undefined ? "none" : `${violation.what}\n  ${violation.trace.join("\n  ")}`;
}

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
