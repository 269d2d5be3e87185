import { RelayCallError } from "../client/relayCallError.ts";
import { CliError } from "./cliError.ts";
import { EXIT, type ExitCode } from "./exitCodes.ts";
import { columnsOfErrors } from "./output/paint.ts";
import { jsonLine, plain, plainLines } from "./output/plain.ts";
import { wrapped } from "./output/wrapped.ts";
import type { Target } from "./target.ts";

/** What went wrong, and what to do about it. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly code: string;
  readonly message: string;
  readonly status?: number | undefined;
}

/** What the codes of the interface mean for somebody at a terminal. */
const ADVICE: Readonly<Record<string, string>> = {
  "session.unknown": "`stasis-relay sessions` lists those that there are.",
  "feed.unknown":
    "`stasis-relay feeds` lists those that there are. A feed begins with its first event or subscriber.",
  "key.unknown": "`stasis-relay keys` lists those that there are.",
  "username.taken": "Choose another --ami-user.",
  "sequence.not-held": "`--to head` goes to the first message still held, `--to tail` behind the last one.",
  "url.refused": "docs/webhooks.md says which addresses a relay may call.",
  "http.421": "RELAY_ALLOWED_HOSTS adds names under which a local relay may be called.",
};

export function failureOf(error: unknown, target: Target | undefined): Failure {
  if (error instanceof CliError)
    return { exitCode: error.exitCode, code: error.code, message: error.message };
  if (error instanceof RelayCallError) return failureOfCall(error, target);
  const message = error instanceof Error ? error.message : String(error);
  return { exitCode: EXIT.failed, code: "internal", message };
}

function failureOfCall(error: RelayCallError, target: Target | undefined): Failure {
  const { code, status, retryAfterMillis } = error;
  const where = target === undefined ? "the relay" : `${target.url} (from ${target.urlFrom})`;
  const failure = (exitCode: ExitCode, message: string): Failure => ({ exitCode, code, message, status });
  const places = error.errors.map(({ at, error: wrong }) => `\n  ${at}: ${wrong}`).join("");
  const refused = error.refused.map(({ index, error: wrong }) => `\n  event ${index + 1}: ${wrong}`).join("");
  const said = `${error.detail}${places}${refused}`;
  const advice = ADVICE[code] === undefined ? "" : `\n${ADVICE[code]}`;
  if (status === undefined)
    return failure(
      EXIT.unavailable,
      `No relay answers at ${where}: ${error.detail}.\nStart one here with \`stasis-relay start\`, or name another with --relay or \`stasis-relay login\`; \`stasis-relay doctor\` looks closer.`,
    );
  if (status === 401)
    return failure(
      EXIT.denied,
      `The relay at ${where} does not know the key from ${target?.keyFrom ?? "the command"}. Log in again with \`stasis-relay login\`, or name another key with --key-file.`,
    );
  if (status === 403)
    return failure(EXIT.denied, `${said}\nThe key comes from ${target?.keyFrom ?? "the command"}.`);
  if (code.startsWith("http.") || code === "answer.invalid")
    return failure(
      error.retryable ? EXIT.unavailable : EXIT.failed,
      `${where} answers as no relay does (${status}): ${said.slice(0, 200)}${advice}`,
    );
  if (status === 404) return failure(EXIT.unknown, `${said}${advice}`);
  if (error.retryable) {
    const seconds = Math.ceil((retryAfterMillis ?? 0) / 1000);
    return failure(
      EXIT.unavailable,
      `${said} The same command may succeed ${seconds > 0 ? `in ${seconds} s` : "later"}.`,
    );
  }
  return failure(EXIT.failed, `${said}${advice}`);
}

/** @returns the exit code */
export function reportFailure(
  error: unknown,
  { json, target }: { json: boolean; target?: Target | undefined },
): ExitCode {
  const { exitCode, code, message, status } = failureOf(error, target);
  const shown = json
    ? jsonLine({ error: { code, message, ...(status !== undefined && { status }), exitCode } })
    : wrapped(`stasis-relay: ${plainLines(message)}`, columnsOfErrors());
  process.stderr.write(`${shown}\n`);
  return exitCode;
}

/** One line about a call that is tried again. */
export function briefly(error: unknown): string {
  if (error instanceof RelayCallError)
    return plain(error.status === undefined ? error.detail : `${error.status} ${error.detail}`);
  return plain(error instanceof Error ? error.message : String(error));
}
