/**
 * Runs actors (appenders, notifiers, deliverers) one atomic step at a time, in an order that a test chooses. Every
 * operation on a shared store waits at a gate until the scheduler opens it. So a test can force any interleaving that a
 * real system could show, and the same choices always give the same run.
 */

/** Picks one of `count` possible next steps. */
export type Choose = (count: number, labels: readonly string[]) => number;

/** One order of steps, and all other random choices. The same schedule gives the same run. */
export interface Schedule {
  readonly choose: Choose;
  /** Uniform in [0, 1). */
  random(): number;
}

interface Waiting {
  readonly actor: string;
  readonly operation: string;
  readonly pass: () => void;
}

export class Scheduler {
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<string>();
  readonly #dead = new Set<string>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly failures: unknown[] = [];
  readonly trace: string[] = [];

  /** The gate of one actor. It resolves when the scheduler chooses the actor. A dead actor's gates never open. */
  gateOf(actor: string): (operation: string) => Promise<void> {
    return (operation) =>
      new Promise((pass) => {
        if (!this.#dead.has(actor)) this.#waiting.push({ actor, operation, pass });
      });
  }

  start(actor: string, run: () => Promise<void>): void {
    this.#running.add(actor);
    run()
      .catch((error: unknown) => void this.failures.push(error))
      .finally(() => this.#running.delete(actor));
  }

  /** The actor's process dies at its gate: it takes no further step. */
  kill(actor: string): void {
    this.#dead.add(actor);
    this.#running.delete(actor);
    for (let index = this.#waiting.length - 1; index >= 0; index -= 1)
      if (this.#waiting[index]?.actor === actor) this.#waiting.splice(index, 1);
  }

  running(prefix: string): string[] {
    return [...this.#running].filter((actor) => actor.startsWith(prefix));
  }

  /** The steps that are possible now. */
  steps(): { label: string; take: () => void }[] {
    return this.#waiting.map((waiting) => ({
      label: `${waiting.actor} ${waiting.operation}`,
      take: () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.pass();
      },
    }));
  }

  /** A step that takes real time (a call to an engine). No other step begins until it is complete. */
  during<T>(work: Promise<T>): Promise<T> {
    const end = () => void this.#underWay.delete(work);
    this.#underWay.add(work);
    work.then(end, end);
    return work;
  }

  /**
   * Resolves when every live actor is at a gate again. Actors only wait for gates, for promises, and for the work passed
   * to `during`.
   */
  async settled(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#underWay.size > 0) {
      await Promise.allSettled(this.#underWay);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Takes one step at a time until none is possible. `others` are steps outside the actors: queue deliveries, faults. */
  async run(choose: Choose, others: () => { label: string; take: () => void }[]): Promise<void> {
    for (let taken = 0; ; taken += 1) {
      await this.settled();
      const options = [...this.steps(), ...others()];
      if (options.length === 0) return;
      if (taken > 20_000) throw new Error("the run does not end");
      const index =
        options.length === 1
          ? 0
          : choose(
              options.length,
              options.map(({ label }) => label),
            );
      const option = options[index];
      if (option === undefined) throw new RangeError(`there is no option ${index}`);
      this.trace.push(option.label);
      option.take();
    }
  }
}

/** Small, fast, and the same on every machine (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Every option is as likely as any other. */
export function chooseEvenly(random: () => number): Choose {
  return (count) => Math.floor(random() * count);
}

/**
 * Some actors are much slower than others, and the slow ones change a few times. Such runs find failures in which one actor
 * pauses while another takes many steps (after Burckhardt et al., "A randomized scheduler", 2010).
 */
export function chooseByPriority(random: () => number): Choose {
  const priorities = new Map<string, number>();
  return (_count, labels) => {
    let best = 0;
    let bestPriority = -1;
    labels.forEach((label, index) => {
      const actor = label.split(" ", 1)[0] ?? "";
      const priority = priorities.get(actor) ?? random();
      priorities.set(actor, random() < 0.03 ? random() : priority);
      if (priority > bestPriority) [best, bestPriority] = [index, priority];
    });
    return best;
  };
}

/**
 * Now and then a step is delayed until no other step is possible. Such runs find failures in which one actor pauses between
 * two steps, or one response is in flight, while all other actors finish.
 */
function chooseStalling(random: () => number): Choose {
  const stalled = new Set<string>();
  return (_count, labels) => {
    const all = labels.map((_label, index) => index);
    const isFree = (index: number) => !stalled.has(labels[index] ?? "");
    if (!all.some(isFree)) stalled.clear();
    const free = all.filter(isFree);
    const choice = free[Math.floor(random() * free.length)] ?? 0;
    if (free.length === 1 || random() >= 0.1) return choice;
    stalled.add(labels[choice] ?? "");
    return free.find(isFree) ?? choice;
  };
}

/** Consecutive seeds use the ways to choose in turn. */
export function bySeed(seed: number): Schedule {
  const random = seededRandom(seed);
  const ways = [chooseEvenly, chooseByPriority, chooseStalling];
  return { choose: (ways[seed % ways.length] ?? chooseEvenly)(random), random };
}

/**
 * Runs `scenario` with every sequence of choices, depth first, up to `limit` runs. Returns the number of runs and whether
 * they covered every sequence. Only choices are explored, not the random numbers.
 */
export async function exploreAll(
  scenario: (schedule: Schedule) => Promise<void>,
  limit: number,
): Promise<{ runs: number; complete: boolean }> {
  let prefix: number[] = [];
  for (let runs = 1; ; runs += 1) {
    const taken: { choice: number; count: number }[] = [];
    const choose: Choose = (count) => {
      const choice = prefix[taken.length] ?? 0;
      taken.push({ choice, count });
      return choice;
    };
    await scenario({ choose, random: () => 0.5 });
    while (taken.length > 0) {
      const last = taken.at(-1);
      if (last && last.choice + 1 < last.count) break;
      taken.pop();
    }
    const last = taken.at(-1);
    if (last === undefined) return { runs, complete: true };
    if (runs >= limit) return { runs, complete: false };
    prefix = [...taken.slice(0, -1).map(({ choice }) => choice), last.choice + 1];
  }
}
