import { isNode, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { ConfigError, type Mistake } from "../bridgeError.ts";
import { type Config, configSchema } from "./schema.ts";

/** Far more than a thousand PBXs take. */
export const MAX_CONFIG_CHARACTERS = 4 * 1024 * 1024;

/**
 * Reads `bridge.yaml`.
 * @param name the file's name, for messages
 * @throws ConfigError with the line of each mistake
 */
export function readConfig(text: string, name: string): Config {
  if (text.length > MAX_CONFIG_CHARACTERS)
    throw new ConfigError([{ at: name, message: `has more than ${MAX_CONFIG_CHARACTERS} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0)
    throw new ConfigError(
      document.errors.map(({ message, pos }) => ({ at: `${name}:${lines.linePos(pos[0]).line}`, message })),
    );
  const value = plainValue(document, name);
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length -= 1) {
      const line = lineOfNode(document.getIn(path.slice(0, length), true), lines) ?? undefined;
      if (line !== undefined) return line;
    }
    return 1;
  };
  return checked(value, (path, key) => {
    const parent = path.length === 0 ? document.contents : document.getIn(path, true);
    const line = key === undefined ? lineOf(path) : (lineOfKey(parent, key, lines) ?? lineOf(path));
    return `${name}:${line}`;
  });
}

/** Aliases could make a small text huge. */
function plainValue(document: { toJS(options: { maxAliasCount: number }): unknown }, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([{ at: name, message: error instanceof Error ? error.message : String(error) }]);
  }
}

/** Checks a configuration that came from anywhere. @throws ConfigError */
export function checked(
  value: unknown,
  placeOf: (path: readonly PropertyKey[], key?: string) => string,
): Config {
  const parsed = configSchema.safeParse(value ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.flatMap((issue) => mistakesOf(issue, placeOf)));
}

function mistakesOf(
  issue: z.core.$ZodIssue,
  placeOf: (path: readonly PropertyKey[], key?: string) => string,
): Mistake[] {
  const name = nameOf(issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      at: placeOf(issue.path, key),
      message: `${nameOf([...issue.path, key])} is not a setting`,
    }));
  const isMissing = issue.code === "invalid_type" && issue.input === undefined;
  const message = isMissing ? "is missing" : issue.message;
  return [
    { at: placeOf(issue.path), message: name === "" ? `the configuration ${message}` : `${name} ${message}` },
  ];
}

/** `pbxs[0].ari.url`. */
function nameOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

function lineOfNode(node: unknown, lines: LineCounter): number | undefined {
  return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
}

function lineOfKey(parent: unknown, key: string, lines: LineCounter): number | undefined {
  const items: unknown =
    typeof parent === "object" && parent !== null && "items" in parent ? parent.items : [];
  if (!Array.isArray(items)) return undefined;
  const found = items.find((item) => isNode(item?.key) && String(item.key) === key);
  return lineOfNode(found?.key, lines);
}
