/** Reads JSON from outside. A value that is missing or has another type is undefined. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function objectIn(parent: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = parent?.[name];
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** The text of a string or number; undefined for any other value. */
export function textIn(parent: JsonObject | undefined, name: string): string | undefined {
  const value = parent?.[name];
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

/** The text of a string; undefined for any other value, including a number. */
export function stringIn(parent: JsonObject | undefined, name: string): string | undefined {
  const value = parent?.[name];
  return typeof value === "string" ? value : undefined;
}

export function listIn(parent: JsonObject | undefined, name: string): readonly unknown[] {
  const value = parent?.[name];
  return Array.isArray(value) ? value : [];
}
