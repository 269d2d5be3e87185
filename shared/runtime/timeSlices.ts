import type { Clock } from "./clock.ts";

/** Work that can stop after each step. Returns whether it is done. */
export type Step = () => boolean;

interface Task {
  readonly owner: string;
  readonly step: Step;
  readonly untilEpochMillis: number;
  readonly resolve: (isDone: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** The CPU time after which the work rests. One step may take longer. */
const SLICE_MILLIS = 5;

export interface TimeSlicesOptions {
  /** The CPU time that this thread has used. */
  cpuMillis(): number;
  readonly clock: Pick<Clock, "nowEpochMillis">;
  /** Resolves when the work may go on after it has used `spentMillis`. */
  rest(spentMillis: number): Promise<void>;
  /** Work that is not done by then is given up. */
  readonly patienceMillis: number;
}

/**
 * Gives long computations the process's thread in slices, with a rest after each slice. During the rest the event loop
 * serves everything else. Owners take turns: the work of one delays the others by a slice, not by all of it.
 */
export class TimeSlices {
  readonly #options: TimeSlicesOptions;
  /** By owner, the one whose turn is next first. */
  readonly #waiting = new Map<string, Task[]>();
  #spentMillis = 0;
  #isResting = false;

  constructor(options: TimeSlicesOptions) {
    this.#options = options;
  }

  /** Whether work waits for its turn. */
  get isBusy(): boolean {
    return this.#waiting.size > 0;
  }

  /**
   * Calls `step` until it returns true. Begins at once unless the slice is used up. Returns false when it gave up.
   * @throws whatever `step` throws
   */
  run(owner: string, step: Step): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const { clock, patienceMillis } = this.#options;
    const untilEpochMillis = clock.nowEpochMillis() + patienceMillis;
    this.#waiting.set(owner, [
      ...(this.#waiting.get(owner) ?? []),
      { owner, step, untilEpochMillis, resolve, reject },
    ]);
    if (!this.#isResting) this.#work();
    return promise;
  }

  #work(): void {
    this.#giveUpLate();
    while (this.#spentMillis < SLICE_MILLIS) {
      const task = this.#next();
      if (task === undefined) return;
      this.#advance(task);
    }
    const spentMillis = this.#spentMillis;
    this.#spentMillis = 0;
    this.#isResting = true;
    void this.#options.rest(spentMillis).then(() => {
      this.#isResting = false;
      this.#work();
    });
  }

  #advance(task: Task): void {
    const { cpuMillis } = this.#options;
    const before = this.#spentMillis;
    const startedAt = cpuMillis();
    try {
      let isDone: boolean;
      do {
        isDone = task.step();
        this.#spentMillis = before + cpuMillis() - startedAt;
      } while (!isDone && this.#spentMillis < SLICE_MILLIS);
      if (isDone) task.resolve(true);
      // Ahead of its owner's other work: what was begun ends first.
      else this.#waiting.set(task.owner, [task, ...(this.#waiting.get(task.owner) ?? [])]);
    } catch (error) {
      this.#spentMillis = before + cpuMillis() - startedAt;
      task.reject(error);
    }
  }

  /** The first task of the next owner, who then is the last one. */
  #next(): Task | undefined {
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    const [owner, [task, ...others]] = next;
    this.#waiting.delete(owner);
    if (others.length > 0) this.#waiting.set(owner, others);
    return task;
  }

  #giveUpLate(): void {
    const nowEpochMillis = this.#options.clock.nowEpochMillis();
    const isLate = (task: Task) => task.untilEpochMillis <= nowEpochMillis;
    for (const [owner, tasks] of this.#waiting) {
      for (const task of tasks.filter(isLate)) task.resolve(false);
      const others = tasks.filter((task) => !isLate(task));
      if (others.length > 0) this.#waiting.set(owner, others);
      else this.#waiting.delete(owner);
    }
  }
}
