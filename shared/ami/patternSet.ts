import { RE2JS, RE2Set } from "re2js";
import { FilterCostError } from "../errors.ts";

/** Memory for the automaton's states. The engine adds states as it reads text and discards them when memory is full. */
const STATE_BYTES = 64 * 1024;
const STATE_BYTES_PER_INSTRUCTION = 100;

/** Memory for the program itself. */
const BYTES_PER_INSTRUCTION = 250;

/**
 * The limit of instructions times characters for one message: at worst 50 ms, which nothing can interrupt. No event of
 * Asterisk comes near it.
 */
const MAX_STEPS = 16_000_000;

/** The cost of a text beside its length, because a message may have very many short headers. */
const STEPS_PER_TEXT = 1000;

/**
 * The regular expressions of one reader as one automaton. It reads a text once for all of them, in one bounded memory.
 * With one automaton each, a hundred patterns took 800 MB. Users write these patterns, so they run on an engine with
 * linear time. A dot also matches a line end.
 */
export class PatternSet {
  readonly #patterns: string[] = [];
  #instructions = 0;
  #steps = 0;
  #automaton: RE2Set | undefined;
  #text: string | undefined;
  #matching: ReadonlySet<number> = new Set();

  /** Instructions of all patterns together. */
  get instructions(): number {
    return this.#instructions;
  }

  /** Approximate memory of the patterns when they are in use. */
  get bytes(): number {
    return this.#patterns.length === 0 ? 0 : this.#instructions * BYTES_PER_INSTRUCTION + this.#stateBytes();
  }

  /**
   * Adds a pattern and returns its test. Add all patterns before the first test.
   * @throws the engine's error when the pattern does not compile
   */
  add(pattern: string): (text: string) => boolean {
    this.#instructions += RE2JS.compile(pattern, RE2JS.DOTALL).programSize();
    const number = this.#patterns.push(pattern) - 1;
    return (text) => this.#matchingIn(text).has(number);
  }

  /** Compiles what was added, so that the first message does not pay for it. */
  compile(): void {
    if (this.#patterns.length > 0) this.#compiled();
  }

  /** Call this before testing the texts of another message. */
  beginMessage(): void {
    this.#steps = 0;
  }

  #matchingIn(text: string): ReadonlySet<number> {
    if (text === this.#text) return this.#matching;
    this.#steps += STEPS_PER_TEXT + text.length * this.#instructions;
    if (this.#steps > MAX_STEPS)
      throw new FilterCostError(
        `the regular expressions have ${this.#instructions} instructions, too many for a message of this length`,
      );
    this.#matching = new Set(this.#compiled().match(text));
    this.#text = text;
    return this.#matching;
  }

  #compiled(): RE2Set {
    if (this.#automaton !== undefined) return this.#automaton;
    this.#automaton = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL, this.#stateBytes());
    for (const pattern of this.#patterns) this.#automaton.add(pattern);
    this.#automaton.compile();
    return this.#automaton;
  }

  #stateBytes(): number {
    return STATE_BYTES + this.#instructions * STATE_BYTES_PER_INSTRUCTION;
  }
}
