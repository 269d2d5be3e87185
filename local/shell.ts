/** A line for a shell that sets variables, whatever characters the values have. */
export function exportLine(variables: Readonly<Record<string, string>>): string {
  const parts = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}`);
  return `export ${parts.join(" ")}`;
}

/** Within single quotes a POSIX shell takes everything as it is, except a single quote. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
