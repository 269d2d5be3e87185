import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { CliError } from "./cliError.ts";
import { contextPath, readContexts, requireContext } from "./context.ts";

/** The options that every command which calls a relay has. */
export interface TargetOptions {
  readonly relay?: string;
  readonly keyFile?: string;
  readonly context?: string;
}

/** Which relay a command calls, with which key, and who said so. */
export interface Target {
  readonly url: string;
  readonly key: string;
  /** For people. */
  readonly urlFrom: string;
  readonly keyFrom: string;
}

/** `npm start`, where nothing else is said. */
const LOCAL = { url: "http://127.0.0.1:8080", key: "local" };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Options win over the environment, which wins over the context. A key belongs to the relay that it was given with: with
 * another address, the context's key is not sent.
 */
export async function resolveTarget(options: TargetOptions, environment: Environment): Promise<Target> {
  const given = {
    url: named("--relay", options.relay) ?? named("STASIS_RELAY_URL", environment.STASIS_RELAY_URL),
    key:
      (options.keyFile !== undefined && {
        value: await readKey(options.keyFile),
        from: `--key-file ${options.keyFile}`,
      }) ||
      named("STASIS_RELAY_KEY", environment.STASIS_RELAY_KEY),
  };
  const context = given.url && given.key ? undefined : await chosenContext(options, environment);
  const url = given.url ?? (context && { value: context.url, from: context.from });
  const isContexts = given.url === undefined || (context && sameOrigin(given.url.value, context.url));
  const key = given.key ?? (context && isContexts ? { value: context.key, from: context.from } : undefined);
  const address = checkedUrl(url?.value ?? LOCAL.url, url?.from ?? "the default");
  if (key === undefined && !isLoopback(address))
    throw new CliError(
      "key.missing",
      `There is no key for ${address}. Log in with \`stasis-relay login ${address}\`, or set STASIS_RELAY_KEY or --key-file.`,
    );
  return {
    url: address,
    key: key?.value ?? LOCAL.key,
    urlFrom: url?.from ?? "the default",
    keyFrom: key?.from ?? "the default of a local relay",
  };
}

function named(from: string, value: string | undefined) {
  return value === undefined || value === "" ? undefined : { value, from };
}

async function chosenContext(options: TargetOptions, environment: Environment) {
  const path = contextPath(environment);
  const file = await readContexts(path);
  const name = options.context ?? (environment.STASIS_RELAY_CONTEXT || file.current);
  if (name === undefined) return undefined;
  return { ...requireContext(file, name), from: `the context ${name}` };
}

/** @param path a file, or - for standard input */
export async function readKey(path: string): Promise<string> {
  const read = path === "-" ? text(process.stdin) : readFile(path, "utf8");
  const key = (
    await read.catch((error: NodeJS.ErrnoException) => {
      throw new CliError("key.unreadable", `the key cannot be read from ${path} (${error.code})`);
    })
  ).trim();
  if (!/^[\x21-\x7e]{1,1000}$/.test(key))
    throw new CliError("key.malformed", `${path} must have one key, and nothing else`);
  return key;
}

/** A relay's address. @throws CliError unless it is the address of an HTTP server */
export function checkedUrl(text: string, from: string): string {
  return httpUrl(text, from).replace(/\/+$/, "");
}

/** @throws CliError unless it is the address of an HTTP server, without a password that would show in logs */
export function httpUrl(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new CliError(
      "url.malformed",
      `${from} must begin with https:// or http://, not be "${text.replace(/\/\/[^/]*@/, "//…@")}"`,
    );
  if (url.username !== "" || url.password !== "")
    throw new CliError("url.malformed", `${from} must have no user and no password in it`);
  return url.href;
}

/** Whether nothing that is sent there leaves this machine. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function sameOrigin(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
