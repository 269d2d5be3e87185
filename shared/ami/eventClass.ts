/**
 * Privilege classes: the kinds of events, which decide who may read a message. Asterisk: main/manager.c, table
 * `perms`; include/asterisk/manager.h, `EVENT_FLAG_*`.
 */
const CLASS_BITS = {
  system: 1 << 0,
  call: 1 << 1,
  log: 1 << 2,
  verbose: 1 << 3,
  command: 1 << 4,
  agent: 1 << 5,
  user: 1 << 6,
  config: 1 << 7,
  dtmf: 1 << 8,
  reporting: 1 << 9,
  cdr: 1 << 10,
  dialplan: 1 << 11,
  originate: 1 << 12,
  agi: 1 << 13,
  hookresponse: 1 << 14,
  cc: 1 << 15,
  aoc: 1 << 16,
  test: 1 << 17,
  security: 1 << 18,
  message: 1 << 30,
} as const;

export type EventClass = keyof typeof CLASS_BITS;

/** A set of classes, one bit each. */
export type ClassMask = number;

/** The mask of `all`: every class that exists or may be added. Asterisk: `perms`, INT_MAX. */
const ALL_CLASSES: ClassMask = 0x7fffffff;

export const CLASS_NAMES = Object.keys(CLASS_BITS) as EventClass[];

function isClass(name: string): name is EventClass {
  return Object.hasOwn(CLASS_BITS, name);
}

/**
 * The classes in the value of a Privilege header. `all` is in every such header and is not a class.
 * Undefined when the header is missing, names no class, or names an unknown one: then nobody knows who may read the
 * message.
 */
export function classesOf(privilege: string | undefined): readonly EventClass[] | undefined {
  if (privilege === undefined) return undefined;
  if (privilege === "<none>") return [];
  const names = privilege.split(",").filter((name) => name !== "all");
  return names.length > 0 && names.every(isClass) ? names : undefined;
}

/**
 * Whether a reader with this mask may read a message of these classes: the mask must contain all of them.
 * Asterisk: main/manager.c, `process_events`.
 */
export function isReadable(classes: readonly EventClass[] | undefined, mask: ClassMask): boolean {
  return classes?.every((name) => (CLASS_BITS[name] & mask) !== 0) ?? false;
}

const NO = new Set(["no", "false", "n", "f", "0", "off"]);
const YES = new Set(["yes", "true", "y", "t", "1", "on"]);

/**
 * The mask that a text gives, as in `read =` of manager.conf and in the Events action; undefined for an empty text.
 * A number is the mask itself, so `1` is system alone. Words are case-sensitive, spaces count, and unknown words add
 * nothing. In every word but the last, Asterisk also accepts a prefix of a class name. This function does not: it
 * fails closed. Asterisk: main/manager.c, `strings_to_mask`, `ast_instring`.
 */
export function readMask(text: string): ClassMask | undefined {
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text), ALL_CLASSES);
  if (NO.has(text.toLowerCase())) return 0;
  if (YES.has(text.toLowerCase())) return ALL_CLASSES;
  const words = text.split(",");
  if (words.includes("all")) return ALL_CLASSES;
  return words.reduce((mask, word) => (isClass(word) ? mask | CLASS_BITS[word] : mask), 0);
}

const CLASS_WORD = `(?:${[...CLASS_NAMES, "all"].join("|")})`;
const BOOLEAN_WORDS = [...NO, ...YES].filter((word) => !/\d/.test(word)).map(inAnyCase);

/** Texts of read classes without unknown words. Manager ignores unknown words, but a person who wrote one should know. */
export const READ_CLASSES = new RegExp(
  `^(?:\\d+|${CLASS_WORD}(?:,${CLASS_WORD})*|${BOOLEAN_WORDS.join("|")})$`,
);

function inAnyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** The classes in a mask; undefined for all classes. */
export function classesIn(mask: ClassMask): readonly EventClass[] | undefined {
  return mask === ALL_CLASSES ? undefined : CLASS_NAMES.filter((name) => (CLASS_BITS[name] & mask) !== 0);
}
