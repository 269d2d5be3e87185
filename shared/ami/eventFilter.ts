import { EventFilterError } from "../errors.ts";
import type { AmiMessage } from "./amiMessage.ts";
import { type ConfigurationLine, readConfigurationLine } from "./managerConf.ts";
import { patternCost } from "./patternCost.ts";
import { PatternSet } from "./patternSet.ts";

/** These bound the work that one session's filters cause for every message. */
const MAX_FILTERS = 100;
const MAX_EXPRESSION_CHARACTERS = 1000;
/** For all regular expressions together, with their repetitions expanded. A hundred ordinary ones have half of this. */
const MAX_INSTRUCTIONS = 4000;

/**
 * One event filter of a manager user: `eventfilter[(criteria)] = pattern` of manager.conf.
 * Asterisk: main/manager.c, `manager_add_filter`, `filter_cmp_fn`, `match_eventdata`.
 */
interface EventFilter {
  readonly excludes: boolean;
  /** Only events with this name match. */
  readonly name: string | undefined;
  /** The filter tests the values of header lines with this prefix, colon included, instead of the whole text. */
  readonly header: string | undefined;
  readonly matches: (text: string) => boolean;
}

type Method = "regex" | "exact" | "starts_with" | "ends_with" | "contains" | "none";

interface Criteria {
  action?: "include" | "exclude";
  name?: string;
  header?: string;
  method?: Method;
}

const METHODS: readonly string[] = ["regex", "exact", "starts_with", "ends_with", "contains", "none"];

/** The start of a line of manager.conf. Older versions of Asterisk read the name in any case. */
const LINE = /^\s*eventfilter\s*(?:[(=;]|\+=|$)/i;

/** Such a line that is commented out. As a pattern it would match nothing. */
const COMMENTED_OUT = /^\s*;\s*eventfilter\s*[(=+]/i;

/** The name on such a line, with its criteria in parentheses. */
const NAME = /^eventfilter\s*(?:\((?<criteria>.*)\))?$/is;

/** The start of criteria. As the start of a pattern it would match nothing: no event begins with it. */
const CRITERIA_START = /^\s*(?:action|name|header|method)\(/;

/** Criteria alone, as in the Filter action's MatchCriteria. A pattern may follow after an equals sign. */
const BARE =
  /^\s*(?<criteria>(?:action|name|header|method)\([^()]*\)(?:[ ,]+(?:action|name|header|method)\([^()]*\))*)\s*(?:=>?(?<pattern>.*))?$/s;

/**
 * Compiles the filters of one session. A message passes when an include matches it, or there are no includes, and no
 * exclude matches it (`should_send_event`).
 * @throws EventFilterError with the expression and the reason
 */
export function compileEventFilters(expressions: readonly string[]): EventFilters {
  if (expressions.length > MAX_FILTERS)
    throw new EventFilterError(
      "",
      `there are ${expressions.length} filters; at most ${MAX_FILTERS} are accepted`,
    );
  const patterns = new PatternSet();
  const filters = expressions.map((expression) => parse(expression, patterns));
  patterns.compile();
  const includes = filters.filter(({ excludes }) => !excludes);
  const excludes = filters.filter((filter) => filter.excludes);
  const names = includes.map(({ name }) => name);
  const linesOf = lineReader();
  return {
    bytes: patterns.bytes,
    names: names.length > 0 && names.every((name) => name !== undefined) ? [...new Set(names)] : undefined,
    passes: (message) => {
      patterns.beginMessage();
      const matches = (filter: EventFilter) => isMatch(filter, message, linesOf);
      return (includes.length === 0 || includes.some(matches)) && !excludes.some(matches);
    },
    excludedBy: (message) => {
      patterns.beginMessage();
      const index = filters.findIndex((filter) => filter.excludes && isMatch(filter, message, linesOf));
      return expressions[index];
    },
  };
}

export interface EventFilters {
  /** The only event names that can pass; undefined when the filters do not restrict the name. */
  readonly names: readonly string[] | undefined;
  /** Approximate memory of the regular expressions. */
  readonly bytes: number;
  /** @throws FilterCostError when the message is too long for the regular expressions */
  passes(message: AmiMessage): boolean;
  /** The first filter that excludes the message; undefined when none does. @throws FilterCostError */
  excludedBy(message: AmiMessage): string | undefined;
}

function isMatch(
  { name, header, matches }: EventFilter,
  message: AmiMessage,
  linesOf: (text: string) => readonly string[],
): boolean {
  if (name !== undefined && name !== message.name) return false;
  if (header === undefined) return matches(message.text);
  return linesOf(message.text).some((line) => {
    if (!line.startsWith(header)) return false;
    const value = line.slice(header.length).replace(/^[\0-\x20]+/, "");
    return value !== "" && matches(value);
  });
}

/** Splits a text into lines once for all filters that judge the same message. */
function lineReader(): (text: string) => readonly string[] {
  let lastText = "";
  let lines: readonly string[] = [];
  return (text) => {
    if (text !== lastText) {
      lastText = text;
      lines = text.split("\r\n");
    }
    return lines;
  };
}

function parse(expression: string, patterns: PatternSet): EventFilter {
  if (expression.length > MAX_EXPRESSION_CHARACTERS)
    throw new EventFilterError(
      expression.slice(0, 100),
      `it has ${expression.length} characters; at most ${MAX_EXPRESSION_CHARACTERS} are accepted`,
    );
  const { criteria, pattern: written } = split(expression);
  const excludesByMark = written.startsWith("!");
  const pattern = excludesByMark ? written.slice(1) : written;
  if (criteria === undefined) {
    if (pattern === "") throw new EventFilterError(expression, "a filter without criteria needs a pattern");
    return {
      excludes: excludesByMark,
      name: undefined,
      header: undefined,
      matches: matcher(expression, "regex", pattern, patterns),
    };
  }
  const { action, name, header, method = "none" } = readCriteria(expression, criteria);
  if (pattern === "" && method !== "none")
    throw new EventFilterError(expression, `method ${method} needs a pattern`);
  if (pattern !== "" && method === "none")
    throw new EventFilterError(expression, "a pattern needs a method other than none");
  if (name === undefined && header === undefined && method === "none")
    throw new EventFilterError(expression, "a filter needs a name, a header or a pattern");
  return {
    excludes: action === undefined ? excludesByMark : action === "exclude",
    name,
    header: header === undefined || header.endsWith(":") ? header : `${header}:`,
    matches: matcher(expression, method, pattern, patterns),
  };
}

/** Splits a line of manager.conf or the Filter action's criteria. Any other expression is a legacy pattern. */
function split(expression: string): { criteria: string | undefined; pattern: string } {
  if (LINE.test(expression)) return splitLine(expression);
  if (COMMENTED_OUT.test(expression)) throw new EventFilterError(expression, "the line is a comment");
  const groups = BARE.exec(expression)?.groups;
  if (groups === undefined && CRITERIA_START.test(expression))
    throw new EventFilterError(expression, "the criteria are not followed by = and a pattern");
  return {
    criteria: groups?.criteria,
    pattern: groups === undefined ? expression : (groups.pattern ?? "").trim(),
  };
}

function splitLine(expression: string): { criteria: string | undefined; pattern: string } {
  if (/[\r\n]/.test(expression.trim()))
    throw new EventFilterError(expression, "a line of manager.conf has no line break in it");
  const { name, value } = lineOf(expression);
  if (name.endsWith("+"))
    throw new EventFilterError(expression, "+= adds to an earlier line and is not supported");
  const match = NAME.exec(name);
  if (match === null) throw new EventFilterError(expression, "the criteria do not end with a parenthesis");
  return { criteria: match.groups?.criteria, pattern: value };
}

function lineOf(expression: string): ConfigurationLine {
  try {
    return readConfigurationLine(expression);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new EventFilterError(expression, error.message);
  }
}

/** Criteria may come in any order. Their values contain no space, comma or parenthesis. */
function readCriteria(expression: string, text: string): Criteria {
  const criteria: Criteria = {};
  for (const option of text.split(/[ ,)]+/).filter((part) => part !== "")) {
    const [, key, value] = /^(action|name|header|method)\((.+)$/s.exec(option) ?? [];
    if (key === undefined || value === undefined)
      throw new EventFilterError(
        expression,
        `"${option}" is not a criterion: use action(), name(), header() or method()`,
      );
    if (key === "action") {
      if (value !== "include" && value !== "exclude")
        throw new EventFilterError(expression, `action "${value}" is unknown: use include or exclude`);
      criteria.action = value;
    } else if (key === "method") {
      if (!isMethod(value))
        throw new EventFilterError(expression, `method "${value}" is unknown: use ${METHODS.join(", ")}`);
      criteria.method = value;
    } else if (key === "name") criteria.name = value;
    else criteria.header = value;
  }
  if (Object.keys(criteria).length === 0) throw new EventFilterError(expression, "the criteria are empty");
  return criteria;
}

function isMethod(text: string): text is Method {
  return METHODS.includes(text);
}

function matcher(
  expression: string,
  method: Method,
  pattern: string,
  patterns: PatternSet,
): (text: string) => boolean {
  switch (method) {
    case "regex":
      return /[\\^$.[|()?*+{]/.test(pattern)
        ? compile(expression, pattern, patterns)
        : (text) => text.includes(pattern);
    case "exact":
      return (text) => text === pattern;
    case "starts_with":
      return (text) => text.startsWith(pattern);
    case "ends_with":
      return (text) => text.endsWith(pattern);
    case "contains":
      return (text) => text.includes(pattern);
    case "none":
      return () => true;
  }
}

function compile(expression: string, written: string, patterns: PatternSet): (text: string) => boolean {
  const tokens = written.match(TOKENS) ?? [];
  if (tokens.some((token) => COLLATING.test(token)))
    throw new EventFilterError(
      expression,
      "equivalence and collating classes ([=a=], [.a.]) are not supported",
    );
  if (tokens.some((token) => token === "\\<" || token === "\\>"))
    throw new EventFilterError(expression, "\\< and \\> are not supported; use \\b for a word boundary");
  const pattern = written.replace(TOKENS, inEngineDialect);
  // Checked before the engine compiles the pattern, because large repetitions would take all memory.
  refuseCostly(expression, patterns.instructions + patternCost(pattern));
  const matches = engineMatcher(expression, pattern, patterns);
  refuseCostly(expression, patterns.instructions);
  return matches;
}

function refuseCostly(expression: string, instructions: number): void {
  if (instructions > MAX_INSTRUCTIONS)
    throw new EventFilterError(
      expression,
      `with it, the session's regular expressions have ${instructions} instructions (repetitions expanded); at most ${MAX_INSTRUCTIONS} are accepted`,
    );
}

function engineMatcher(expression: string, pattern: string, patterns: PatternSet): (text: string) => boolean {
  try {
    return patterns.add(pattern);
  } catch (error) {
    throw new EventFilterError(
      expression,
      `the pattern does not compile: ${error instanceof Error ? error.message.slice(0, 200) : "unreadable"}`,
    );
  }
}

/** Equivalence and collating classes, which the engine would read as something else. */
const COLLATING = /^\[.*\[[=.]/s;

/** An escape, brackets, or a repetition without its lower bound. */
const TOKENS = /\\.|\[\^?\]?(?:\[:[a-z]*:\]|[^\]])*\]|\{,\d+\}/gs;

/** Rewrites syntax of the C library that Asterisk uses, which the engine would silently read as something else. */
function inEngineDialect(token: string): string {
  // In brackets, a backslash is a plain character.
  if (token.startsWith("[")) return token.replaceAll("\\", "\\\\");
  if (token.startsWith("{")) return token.replace("{,", "{0,");
  if (token === "\\`") return "\\A";
  // For the engine these quote text. For the C library they are letters.
  if (token === "\\Q" || token === "\\E") return token.slice(1);
  return token === "\\'" ? "\\z" : token;
}
