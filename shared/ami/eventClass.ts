/**
 * Privilege classes: what kind of event a message is, and so who may read it. Asterisk: main/manager.c, table `perms`;
 * include/asterisk/manager.h, `EVENT_FLAG_*`.
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

/** What a mask of "all" reads: every class that there is or may come. Asterisk: `perms`, INT_MAX. */
const ALL_CLASSES: ClassMask = 0x7fffffff;

export const CLASS_NAMES = Object.keys(CLASS_BITS) as EventClass[];

function isClass(name: string): name is EventClass {
  return Object.hasOwn(CLASS_BITS, name);
}

/**
 * The classes that a Privilege header's value names; `all`, which stands in each, is none.
 * Undefined when it is missing, names no class, or names what is none: then nobody knows who may read the message.
 */
export function classesOf(privilege: string | undefined): readonly EventClass[] | undefined {
  if (privilege === undefined) return undefined;
  if (privilege === "<none>") return [];
  const names = privilege.split(",").filter((name) => name !== "all");
  return names.length > 0 && names.every(isClass) ? names : undefined;
}

/**
 * Whether a reader with this mask may have a message of these classes: all of them must be in it.
 * Asterisk: main/manager.c, `process_events`.
 */
export function isReadable(classes: readonly EventClass[] | undefined, mask: ClassMask): boolean {
  return classes?.every((name) => (CLASS_BITS[name] & mask) !== 0) ?? false;
}

const NO = new Set(["no", "false", "n", "f", "0", "off"]);
const YES = new Set(["yes", "true", "y", "t", "1", "on"]);

/**
 * The mask that a text stands for, as in `read =` of manager.conf and in the Events action; undefined when it is empty.
 * A number is taken as it is, so `1` is system alone. Words are case-sensitive, blanks count, and unknown words add
 * nothing. Where Asterisk takes the beginning of a class's name for the name, in all words but the last, this does
 * not: it fails closed. Asterisk: main/manager.c, `strings_to_mask`, `ast_instring`.
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

/**
 * The texts of read classes that say something. Manager skips words that it does not know; a person who wrote one should
 * be told.
 */
export const READ_CLASSES = new RegExp(
  `^(?:\\d+|${CLASS_WORD}(?:,${CLASS_WORD})*|${BOOLEAN_WORDS.join("|")})$`,
);

function inAnyCase(word: string): string {
  return word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}

/** The classes in a mask; undefined for all of them. */
export function classesIn(mask: ClassMask): readonly EventClass[] | undefined {
  return mask === ALL_CLASSES ? undefined : CLASS_NAMES.filter((name) => (CLASS_BITS[name] & mask) !== 0);
}
