/** A line of a configuration file: `name = value`. */
export interface ConfigurationLine {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads one line as Asterisk reads manager.conf. An unescaped semicolon begins a comment, `\;` is a semicolon, the first
 * `=` or `=>` separates name and value, and blanks around both are dropped. A line without `=` has an empty value.
 * Asterisk: main/config.c, `config_text_file_load`, `process_text_line`.
 * @throws RangeError for a block comment, which may span lines
 */
export function readConfigurationLine(line: string): ConfigurationLine {
  const content = withoutComment(line);
  const equals = content.indexOf("=");
  if (equals < 0) return { name: content.trim(), value: "" };
  const behind = content.slice(equals + 1);
  return {
    name: content.slice(0, equals).trim(),
    value: (behind.startsWith(">") ? behind.slice(1) : behind).trim(),
  };
}

function withoutComment(line: string): string {
  for (const { index } of line.matchAll(/;/g)) {
    if (line[index - 1] === "\\") continue;
    if (/^;--(?!-)/.test(line.slice(index))) throw new RangeError("block comments (;-- --;) are not read");
    return unescaped(line.slice(0, index));
  }
  return unescaped(line);
}

function unescaped(text: string): string {
  return text.replaceAll("\\;", ";");
}
