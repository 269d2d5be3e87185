import type { AmiField } from "./amiMessage.ts";

/** A number as spelled in its JSON: Asterisk tells integers from reals by their spelling. */
class SpelledNumber {
  readonly spelling: string;

  constructor(spelling: string) {
    this.spelling = spelling;
  }
}

/**
 * Asterisk truncates the nested keys of its own events to a buffer of this size. main/manager.c,
 * `manager_json_obj_with_key`.
 */
export const MANAGER_KEY_BYTES = 63;

/** No Asterisk event is nested deeper. The limit is needed because the parser's reviver and `jsonFields` recurse. */
const MAX_DEPTH = 64;

/** An object with its keys in the order of its JSON. A JavaScript object would put whole-number keys first. */
export type SpelledObject = ReadonlyMap<string, unknown>;

/** Parses the JSON of an object for `jsonFields`; undefined when it is nested too deep. The text must be valid JSON. */
export function parseSpelled(json: string): SpelledObject | undefined {
  if (!isShallow(JSON.parse(json), MAX_DEPTH)) return undefined;
  const reviver = (_key: string, value: unknown, context?: { source?: string }) => {
    if (typeof value === "number") return new SpelledNumber(context?.source ?? String(value));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return new Map(Object.entries(value).map(([key, each]) => [key.slice(1), each]));
  };
  return JSON.parse(withoutWholeNumberKeys(json), reviver) as SpelledObject;
}

export function spelledObjectIn(parent: SpelledObject | undefined, name: string): SpelledObject | undefined {
  const value = parent?.get(name);
  return value instanceof Map ? value : undefined;
}

/** Puts a dot before each key, so that no key is a whole number. */
function withoutWholeNumberKeys(json: string): string {
  return json.replace(/"([^"\\]*(?:\\.[^"\\]*)*"\s*)(:?)/g, (_, text, colon) =>
    colon ? `".${text}:` : `"${text}`,
  );
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((each) => isShallow(each, levels - 1));
}

/**
 * The fields of a JSON object as Manager flattens it: `a/b` for nested keys, `a(0)` for arrays, `True` and `False`,
 * an empty value for null and reals. Asterisk: main/manager.c, `manager_json_to_ast_str`.
 * @param skip whole keys to leave out
 * @param nestedKeyBytes longer nested keys are truncated
 * @param maxBytes the limit for all fields together: a short JSON array can make a long text
 * @returns undefined when the fields would exceed `maxBytes`
 */
export function jsonFields(
  object: SpelledObject,
  skip: ReadonlySet<string>,
  { maxBytes, nestedKeyBytes = Number.POSITIVE_INFINITY }: { maxBytes: number; nestedKeyBytes?: number },
): AmiField[] | undefined {
  const fields: AmiField[] = [];
  let bytes = 0;
  const cut = (key: string) => cutAt(key, nestedKeyBytes);
  const add = (value: unknown, key: string): boolean => {
    if (skip.has(key)) return true;
    if (Array.isArray(value)) return value.every((each, index) => add(each, cut(`${key}(${index})`)));
    if (value instanceof Map) return [...value].every(([name, each]) => add(each, cut(`${key}/${name}`)));
    const text = scalar(value);
    bytes += key.length + text.length + 4;
    fields.push([key, text]);
    return bytes <= maxBytes;
  };
  return [...object].every(([key, value]) => add(value, key)) ? fields : undefined;
}

function scalar(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return value instanceof SpelledNumber && /^-?\d+$/.test(value.spelling) ? value.spelling : "";
}

function cutAt(key: string, limit: number): string {
  if (key.length * 3 <= limit) return key;
  const bytes = Buffer.from(key);
  return bytes.length <= limit ? key : bytes.subarray(0, limit).toString("utf8");
}
