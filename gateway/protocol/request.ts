/**
 * One block of a client: the lines up to an empty line. All texts of the protocol are bytes, one character for each:
 * AMI declares no charset, and an ActionID is echoed as it came.
 */
export interface AmiRequest {
  /** The lines as they came, `Name: value`. */
  readonly lines: readonly string[];
  /** Set when the block cannot be processed as a whole; its headers up to the limit are kept for the ActionID. */
  readonly problem?: "line-too-long" | "too-many-lines" | undefined;
}

/**
 * The value of the first header of this name; empty when there is none. Names are case-insensitive, and blanks before
 * the value are skipped. Asterisk: main/manager.c, `__astman_get_header`.
 */
export function headerOf({ lines }: AmiRequest, name: string): string {
  return valuesOf(lines, name).next().value ?? "";
}

/** The first value that is not empty, which is how Manager finds the action. */
export function filledHeaderOf({ lines }: AmiRequest, name: string): string {
  for (const value of valuesOf(lines, name)) if (value !== "") return value;
  return "";
}

function* valuesOf(lines: readonly string[], name: string): Generator<string, undefined> {
  const wanted = name.toLowerCase();
  for (const line of lines) {
    if (line[name.length] !== ":" || line.slice(0, name.length).toLowerCase() !== wanted) continue;
    yield line.slice(name.length + 1).replace(/^[^!-\xff]+/, "");
  }
  return undefined;
}

/** The text that the bytes of a header mean. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The bytes of a text, one character for each. */
export function bytesOfText(text: string): string {
  return /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
}
