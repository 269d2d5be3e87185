import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { RelayError } from "../../shared/errors.ts";
import type { Environment } from "../../shared/runtime/settings.ts";
import { freePort } from "../freePort.ts";
import { pythonWith } from "./pythonPackage.ts";

/** The version that docs/local-clouds.md describes. */
const VERSION = "1.5.33";

const START_WITHIN_MILLIS = 60_000;
const START_CHECK_EVERY_MILLIS = 100;

export interface Ministack extends AsyncDisposable {
  readonly endpoint: string;
  /** Resolves when ministack has ended, for whatever reason. */
  readonly ended: Promise<unknown>;
}

export interface MinistackOptions {
  readonly environment: Environment;
  /** 0 takes any free port. */
  readonly port: number;
  /** The output of ministack and the functions. */
  readonly output: "inherit" | "ignore";
}

/**
 * Starts ministack, a local cloud written in Python. Installs it on first use. Ministack runs Lambda functions as
 * processes of the first Node on the path: ours.
 */
export async function startMinistack(options: MinistackOptions): Promise<Ministack> {
  const python = await pythonWith("ministack", VERSION);
  const port = options.port === 0 ? await freePort() : options.port;
  const temporaryFolder = await mkdtemp(join(tmpdir(), "ministack-"));
  const child = spawn(python, ["-m", "ministack"], {
    // The functions are ministack's children. In a process group, all of them can be ended together.
    detached: true,
    stdio: ["ignore", options.output, options.output],
    env: {
      ...withoutAws(options.environment),
      // Ministack unpacks the functions there, and leaves the files of functions that it has not ended itself.
      TMPDIR: temporaryFolder,
      PATH: [dirname(process.execPath), options.environment.PATH].join(delimiter),
      GATEWAY_PORT: String(port),
      BIND_HOST: "127.0.0.1",
      // Enforces roles and their policies, as AWS does. The key `test` is root.
      AUTH: "true",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    },
  });
  const ended = once(child, "exit");
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await ended;
    }
    endGroup(child.pid);
    await rm(temporaryFolder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await untilHealthy(endpoint, () => child.exitCode !== null || child.signalCode !== null);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, ended, [Symbol.asyncDispose]: stop };
}

async function untilHealthy(endpoint: string, hasEnded: () => boolean): Promise<void> {
  const deadline = performance.now() + START_WITHIN_MILLIS;
  for (;;) {
    const healthy = await fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (hasEnded()) throw new MinistackError(endpoint, "ended at once; is the port in use?");
    if (healthy) return;
    if (performance.now() > deadline)
      throw new MinistackError(endpoint, `was not ready within ${START_WITHIN_MILLIS} ms`);
    await pause(START_CHECK_EVERY_MILLIS);
  }
}

/** Running functions do not end with the process that started them. */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The AWS variables of the shell would reach the functions and direct them to AWS. */
function withoutAws(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("AWS_")));
}

class MinistackError extends RelayError {
  constructor(endpoint: string, what: string) {
    super("local.ministack", `ministack at ${endpoint} ${what}`);
  }
}
