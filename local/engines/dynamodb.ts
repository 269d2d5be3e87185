import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { RelayError } from "../../shared/errors.ts";
import { freePort } from "../freePort.ts";
import { recordEngine, waitUntilFree } from "./databaseFile.ts";
import type { Engine } from "./engine.ts";

const START_MILLIS = 10_000;
const CHECK_EVERY_MILLIS = 10;
const KILL_AFTER_MILLIS = 3_000;
/** A free port can be taken by someone else before the engine binds it; then another one is tried. */
const START_ATTEMPTS = 3;

/**
 * Runs the engine so that it never outlives us, however we end. The first process waits on a pipe that only we
 * hold open: when we end, even by SIGKILL, its read returns and it terminates the engine. `exec` makes the shell
 * become the engine, so that the process id and the exit event that we see are the engine's own.
 */
const RUN_WHILE_PARENT_LIVES =
  'exec 3<&0; (read -r _ <&3; kill -TERM $$) 2>/dev/null & exec "$0" "$@" 3<&- </dev/null';

export interface DynamodbOptions {
  /** Where to keep the data; without it they are held in memory. */
  readonly databaseFile?: string;
}

/**
 * Starts the embedded DynamoDB on a free loopback port and resolves when it answers.
 * @throws RelayError when there is no engine for this platform, it does not start, or its data are in use.
 */
export async function startDynamodb(options: DynamodbOptions = {}): Promise<Engine> {
  const binary = findBinary();
  const databaseFile = options.databaseFile === undefined ? undefined : resolve(options.databaseFile);
  if (databaseFile !== undefined) {
    await mkdir(dirname(databaseFile), { recursive: true });
    await waitUntilFree(databaseFile);
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnFreePort(binary, databaseFile);
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startOnFreePort(binary: string, databaseFile: string | undefined): Promise<Engine> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const child = spawn(
    "/bin/sh",
    [
      "-c",
      RUN_WHILE_PARENT_LIVES,
      binary,
      ...["serve", "--host", "127.0.0.1", "--port", String(port)],
      ...(databaseFile === undefined ? [] : ["--db-path", databaseFile]),
    ],
    // Its own process group: Ctrl-C in the terminal must reach us only, because we still need it while stopping.
    { stdio: ["pipe", "ignore", "pipe"], detached: true },
  );
  const running = watch(child);
  try {
    if (databaseFile !== undefined && child.pid !== undefined) await recordEngine(databaseFile, child.pid);
    await untilAnswering(endpoint, running);
  } catch (error) {
    await terminate(child, running);
    throw error;
  }
  return { endpoint, close: () => terminate(child, running) };
}

interface Running {
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  /** The last of what it wrote to stderr. */
  complaint(): string;
}

function watch(child: ChildProcess): Running {
  let complaint = "";
  let hasEnded = false;
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  // Writing never happens on this pipe, but an engine that dies early may still report an error on it.
  child.stdin?.on("error", () => {});
  const ended = new Promise<void>((done) => {
    const end = () => {
      hasEnded = true;
      child.stdin?.destroy();
      done();
    };
    child.once("exit", end);
    child.once("error", (error) => {
      complaint += error.message;
      end();
    });
  });
  return { ended, hasEnded: () => hasEnded, complaint: () => complaint.trim() };
}

async function untilAnswering(endpoint: string, running: Running): Promise<void> {
  const deadline = Date.now() + START_MILLIS;
  while (Date.now() < deadline) {
    if (running.hasEnded())
      throw new RelayError("local.dynamodb", `the embedded DynamoDB ended at once: ${running.complaint()}`);
    if (await answers(endpoint)) return;
    await pause(CHECK_EVERY_MILLIS);
  }
  throw new RelayError("local.dynamodb", `the embedded DynamoDB does not answer: ${running.complaint()}`);
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function terminate(child: ChildProcess, running: Running): Promise<void> {
  if (running.hasEnded()) return;
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MILLIS);
  await running.ended;
  clearTimeout(killer);
}

/** The binary that npm installed for this platform, else the `dynoxide` command. */
function findBinary(): string {
  const besidePackage = packagedBinary();
  const candidates = [
    ...(besidePackage === undefined ? [] : [besidePackage]),
    ...(process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "dynoxide")),
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new RelayError(
    "local.dynamodb",
    "there is no embedded DynamoDB for this platform: install the `dynoxide` command, or set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB endpoint",
  );
}

function packagedBinary(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`);
    return join(dirname(manifest), "dynoxide");
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
