import { RE2JS, RE2Set } from "re2js";
import { FilterCostError } from "../errors.ts";

/** What the automaton's states may take. They are made while texts are read, and dropped when there are too many. */
const STATE_BYTES = 64 * 1024;
const STATE_BYTES_PER_INSTRUCTION = 100;

/** What the program itself takes. */
const BYTES_PER_INSTRUCTION = 250;

/** Instructions times characters that one message may cost: a second at the worst. No event of Asterisk comes near it. */
const MAX_STEPS = 64_000_000;

/** What it costs to begin with a text, however short it is: a message may have very many headers. */
const STEPS_PER_TEXT = 1000;

/**
 * The regular expressions of one reader as one automaton: a text is read once for all of them, and they share one
 * bounded memory. Each with an automaton of its own, a hundred patterns took 800 MB. Users write the patterns, so the
 * engine is one whose time grows with the text alone. A dot matches a line end too.
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

  /** Roughly what the patterns take once they are in use. */
  get bytes(): number {
    return this.#patterns.length === 0 ? 0 : this.#instructions * BYTES_PER_INSTRUCTION + this.#stateBytes();
  }

  /**
   * Adds a pattern and returns its test. All patterns are added before the first test.
   * @throws Error of the engine when the pattern does not compile
   */
  add(pattern: string): (text: string) => boolean {
    this.#instructions += RE2JS.compile(pattern, RE2JS.DOTALL).programSize();
    const number = this.#patterns.push(pattern) - 1;
    return (text) => this.#matchingIn(text).has(number);
  }

  /** Called before the texts of another message are tested. */
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
    this.#automaton ??= this.#compile();
    this.#matching = new Set(this.#automaton.match(text));
    this.#text = text;
    return this.#matching;
  }

  #compile(): RE2Set {
    const automaton = new RE2Set(RE2Set.UNANCHORED, RE2JS.DOTALL, this.#stateBytes());
    for (const pattern of this.#patterns) automaton.add(pattern);
    return automaton;
  }

  #stateBytes(): number {
    return STATE_BYTES + this.#instructions * STATE_BYTES_PER_INSTRUCTION;
  }
}
