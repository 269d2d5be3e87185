import type { IncomingMessage } from "node:http";
import type { AmiRequest } from "../protocol/request.ts";

/** Asterisk: main/http.c, `MAX_CONTENT`. */
const MAX_BODY_BYTES = 40_960;

/** As in a request over TCP. */
const MAX_PARAMETERS = 128;
const MAX_PARAMETER_BYTES = 1024;

export type WebFormat = "raw" | "xml" | "html";

/** The paths of Asterisk's AMI over HTTP: with cookies, and with digest authentication. */
const PATHS: Readonly<Record<string, { readonly format: WebFormat; readonly isDigest: boolean }>> = {
  "/rawman": { format: "raw", isDigest: false },
  "/mxml": { format: "xml", isDigest: false },
  "/manager": { format: "html", isDigest: false },
  "/arawman": { format: "raw", isDigest: true },
  "/amxml": { format: "xml", isDigest: true },
  "/amanager": { format: "html", isDigest: true },
};

/** What a path stands for, also under `/asterisk`, which is http.conf's usual prefix. */
export function routeOf(url: string): { readonly format: WebFormat; readonly isDigest: boolean } | undefined {
  const [path = ""] = url.split("?", 1);
  const name = path.replace(/^\/asterisk(?=\/)/, "").replace(/\/+$/, "");
  return Object.hasOwn(PATHS, name) ? PATHS[name] : undefined;
}

/** A parameter's name and value as bytes, one character for each. */
export type WebParameter = readonly [name: string, value: string];

/** The parameters of a query or a form. Too many, or too long ones, are marked as in a request over TCP. */
export function parametersOf(encoded: string): {
  readonly parameters: WebParameter[];
  readonly request: AmiRequest;
} {
  const pieces = encoded.split("&", MAX_PARAMETERS + 1).filter((piece) => piece !== "");
  const parameters = pieces.slice(0, MAX_PARAMETERS).map((piece): WebParameter => {
    const equals = piece.indexOf("=");
    return equals < 0
      ? [decoded(piece), ""]
      : [decoded(piece.slice(0, equals)), decoded(piece.slice(equals + 1))];
  });
  const lines = parameters.map(([name, value]) => `${name}: ${value}`.replace(/\0.*$/s, ""));
  const problem =
    pieces.length > MAX_PARAMETERS
      ? "too-many-lines"
      : lines.some(({ length }) => length > MAX_PARAMETER_BYTES)
        ? "line-too-long"
        : undefined;
  return { parameters, request: { lines, problem } };
}

/** Asterisk: main/utils.c, `ast_uri_decode` with `ast_uri_http_legacy`. */
function decoded(text: string): string {
  return text
    .replaceAll("+", " ")
    .replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** The body of a form; undefined when it is too large. */
export async function formOf(message: IncomingMessage): Promise<string | undefined> {
  let bytes = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of message) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
}

/** The value of the session's cookie. */
export function sessionCookieOf({ headers }: IncomingMessage): string | undefined {
  const [, id] = /(?:^|;)\s*mansession_id="?([0-9a-fA-F]{1,64})"?/i.exec(headers.cookie ?? "") ?? [];
  return id?.toLowerCase();
}
