import { hash } from "node:crypto";

/** A protocol as the checker sees it: states, steps between them, and invariants. */
export interface Specification<S> {
  readonly initial: S;
  steps(state: S): Iterable<{ readonly name: string; readonly state: S }>;
  /** States with the same key behave alike, so the checker visits only one of them. */
  key(state: S): string;
  problemsOf(state: S): readonly string[];
  problemsOfStep(before: S, step: { readonly name: string; readonly state: S }): readonly string[];
  /** Whether the state is a good end. A good end must be reachable from every state. */
  isWell(state: S): boolean;
}

export interface Verdict {
  /** Distinct reachable states. */
  readonly states: number;
  readonly steps: number;
  /** The greatest distance of a state from the initial one, in steps. */
  readonly depth: number;
  readonly millis: number;
  /** A shortest path to a problem; undefined if there is none. */
  readonly counterexample?: { readonly problem: string; readonly trace: readonly string[] } | undefined;
}

/**
 * Visits every reachable state, breadth first, so that the first counterexample is a shortest one. Then it searches
 * backwards from the good ends for states that cannot reach one: there a message is lost or a session is stuck. Keys are
 * stored as 128-bit hashes.
 * @throws RangeError if there are more than `limit` states: the specification is not bounded
 */
export function check<S>(specification: Specification<S>, limit = 2_000_000): Verdict {
  const startedAt = performance.now();
  const search = new Search(specification, limit);
  const counterexample = search.forwards() ?? search.backwards();
  return {
    states: search.states,
    steps: search.edges,
    depth: search.depth,
    millis: performance.now() - startedAt,
    counterexample,
  };
}

class Search<S> {
  readonly #specification: Specification<S>;
  readonly #limit: number;
  readonly #numbers = new Map<string, number>();
  /** By state: its predecessor on a shortest path, and the index of the step among the predecessor's steps. */
  readonly #parents: number[] = [-1];
  readonly #choices: number[] = [-1];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  readonly #well: number[] = [];
  depth = 0;

  constructor(specification: Specification<S>, limit: number) {
    this.#specification = specification;
    this.#limit = limit;
  }

  get states(): number {
    return this.#parents.length;
  }

  get edges(): number {
    return this.#from.length;
  }

  forwards(): Verdict["counterexample"] {
    const { initial, problemsOf, problemsOfStep, isWell, steps } = this.#specification;
    this.#numbers.set(this.#hash(initial), 0);
    if (isWell(initial)) this.#well.push(0);
    let frontier: { number: number; state: S }[] = [{ number: 0, state: initial }];
    for (; frontier.length > 0; this.depth += 1) {
      const following: typeof frontier = [];
      for (const { number, state } of frontier) {
        let choice = 0;
        for (const step of steps(state)) {
          const hashed = this.#hash(step.state);
          const known = this.#numbers.get(hashed);
          const reached = known ?? this.#add(hashed, number, choice);
          this.#from.push(number);
          this.#to.push(reached);
          choice += 1;
          const [problem] = [
            ...problemsOfStep(state, step),
            ...(known === undefined ? problemsOf(step.state) : []),
          ];
          if (problem !== undefined) return { problem, trace: [...this.#traceTo(number), step.name] };
          if (known !== undefined) continue;
          if (isWell(step.state)) this.#well.push(reached);
          following.push({ number: reached, state: step.state });
        }
      }
      frontier = following;
    }
    return undefined;
  }

  /** Reports a dead end if there is one, since it is the easiest to understand. Otherwise the nearest state without a good end. */
  backwards(): Verdict["counterexample"] {
    const canEndWell = this.#reachedBackwards();
    const hasStep = new Uint8Array(this.states);
    this.#from.forEach((from, edge) => {
      if (this.#to[edge] !== from) hasStep[from] = 1;
    });
    let nearest: number | undefined;
    for (let number = 0; number < this.states; number += 1) {
      if (canEndWell[number]) continue;
      if (!hasStep[number])
        return { problem: "nothing more can happen, and it is not a good end", trace: this.#traceTo(number) };
      nearest ??= number;
    }
    if (nearest === undefined) return undefined;
    return { problem: "no good end is reachable", trace: this.#traceTo(nearest) };
  }

  #reachedBackwards(): Uint8Array {
    // Edges sorted by target, so that the edges into a state are adjacent.
    const begins = new Uint32Array(this.states + 1);
    for (const to of this.#to) begins[to + 1] = (begins[to + 1] ?? 0) + 1;
    for (let number = 0; number < this.states; number += 1)
      begins[number + 1] = (begins[number + 1] ?? 0) + (begins[number] ?? 0);
    const filled = begins.slice();
    const predecessors = new Uint32Array(this.edges);
    this.#to.forEach((to, edge) => {
      const place = filled[to] ?? 0;
      predecessors[place] = this.#from[edge] ?? 0;
      filled[to] = place + 1;
    });
    const reached = new Uint8Array(this.states);
    const open = [...this.#well];
    for (const number of open) reached[number] = 1;
    for (let number = open.pop(); number !== undefined; number = open.pop())
      for (let at = begins[number] ?? 0; at < (begins[number + 1] ?? 0); at += 1) {
        const predecessor = predecessors[at] ?? 0;
        if (reached[predecessor]) continue;
        reached[predecessor] = 1;
        open.push(predecessor);
      }
    return reached;
  }

  #hash(state: S): string {
    return hash("md5", this.#specification.key(state), "base64");
  }

  #add(hashed: string, parent: number, choice: number): number {
    const number = this.#parents.push(parent) - 1;
    if (number >= this.#limit) throw new RangeError(`more than ${this.#limit} states`);
    this.#choices.push(choice);
    this.#numbers.set(hashed, number);
    return number;
  }

  /** The names of the steps to a state. Only the steps' indexes are stored, so it takes the steps again. */
  #traceTo(number: number): string[] {
    const choices: number[] = [];
    for (let at = number; at > 0; at = this.#parents[at] ?? 0) choices.push(this.#choices[at] ?? 0);
    const trace: string[] = [];
    let state = this.#specification.initial;
    for (const choice of choices.reverse()) {
      const step = [...this.#specification.steps(state)][choice];
      if (step === undefined) throw new Error("the specification's steps are not the same each time");
      trace.push(step.name);
      state = step.state;
    }
    return trace;
  }
}
