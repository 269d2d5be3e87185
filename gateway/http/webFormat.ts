import type { WebFormat, WebParameter } from "./webRequest.ts";

/**
 * Manager's answer in the form of a web page or an AJAX response. `text` is what a client over TCP gets; all texts are
 * bytes, one character for each.
 * Asterisk: main/manager.c, `xml_translate`, `generic_http_callback`, `auth_http_callback`.
 */
export function bodyOf(
  text: string,
  format: WebFormat,
  isDigest: boolean,
  parameters: readonly WebParameter[],
): string {
  switch (format) {
    case "raw":
      return text;
    case "xml":
      return `<ajax-response>\n${blocksOf(text)
        .map((lines) => xmlBlock(lines, parameters))
        .join("")}</ajax-response>\n`;
    case "html": {
      const rows = blocksOf(text).map(htmlBlock).join("");
      return isDigest
        ? `${DIGEST_PAGE}${rows}</table></form></body></html>\r\n`
        : `${PAGE}${rows}</table></body>\r\n`;
    }
  }
}

export const CONTENT_TYPES: Readonly<Record<WebFormat, string>> = {
  raw: "text/plain",
  xml: "text/xml",
  html: "text/html",
};

function blocksOf(text: string): string[][] {
  return text
    .split("\r\n\r\n")
    .map((block) => block.split("\r\n").filter((line) => line.trim() !== ""))
    .filter((lines) => lines.length > 0);
}

type Line = readonly [name: string, value: string];

/** Lines of one block. A repeated name gets a number: `key-2`. */
function* named(lines: readonly string[]): Generator<readonly [...Line, count: number]> {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? "Opaque-data" : line.slice(0, colon).trimEnd();
    const value = colon < 0 ? line : line.slice(colon + 1).trim();
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    yield [name, value, count];
  }
}

function xmlBlock(lines: readonly string[], parameters: readonly WebParameter[]): string {
  const parameter = (wanted: string) => parameters.findLast(([name]) => name.toLowerCase() === wanted)?.[1];
  const id = escaped(parameter("ajaxdest") || "unknown");
  // It becomes an element's name, so nothing else may be in it.
  const type = (parameter("ajaxobjtype") || "generic").replace(/[^A-Za-z0-9_-]/g, "_");
  const attributes = [...named(lines)].map(
    ([name, value, count]) => ` ${attributeName(name)}${count > 1 ? `-${count}` : ""}='${escaped(value)}'`,
  );
  return `<response type='object' id='${id}'><${type}${attributes.join("")} /></response>\n`;
}

function attributeName(name: string): string {
  const safe = name.toLowerCase().replace(/[^a-z0-9]/g, "_");
  return /^\d/.test(safe) ? `_${safe}` : safe;
}

function htmlBlock(lines: readonly string[]): string {
  const rows = [...named(lines)].map(
    ([name, value, count]) =>
      `<tr><td>${escaped(name)}${count > 1 ? `-${count}` : ""}</td><td>${escaped(value)}</td></tr>\n`,
  );
  return `${rows.join("")}<tr><td colspan="2"><hr></td></tr>\r\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "&": "&amp;",
};

function escaped(text: string): string {
  return text.replace(/[<>"'&]/g, (character) => ENTITIES[character] ?? character);
}

/** A page to try actions with, as Manager has one. */
const PAGE =
  "<!DOCTYPE html>\n<title>Asterisk Manager Interface</title>\n<body>\n" +
  '<form method="post">Action: <input name="action"> User: <input name="username"> ' +
  'Secret: <input type="password" name="secret"> <input type="submit"></form>\n<table>\n';

const DIGEST_PAGE =
  "<!DOCTYPE html>\n<html><head><title>Asterisk Manager Interface</title></head><body>\n" +
  '<form method="post"><table>\n<tr><th colspan="2">Action: <input name="action"> <input type="submit"></th></tr>\n';
