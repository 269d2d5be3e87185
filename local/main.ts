import { parseArgs } from "node:util";
import { runDemo } from "./demo/demo.ts";
import { formatSummary, type Summary } from "./demo/summary.ts";
import { startRelay } from "./relay.ts";
import { greeting, HELP, terminalLog } from "./terminal.ts";

/** What a shell expects of a program that Ctrl-C ended before it was done. */
const EXIT_INTERRUPTED = 130;

const print = (line: string) => void process.stdout.write(`${line}\n`);

/** @returns the exit code. */
async function main(args: string[]): Promise<number> {
  const { values: flags } = parseArgs({
    args,
    options: {
      once: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      "no-replay": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (flags.help) {
    print(HELP);
    return 0;
  }
  if (flags["no-replay"] && flags.once)
    throw new Error("--once needs the replay that --no-replay leaves out");
  if (flags.json && !flags.once) throw new Error("--json belongs to --once");

  const stopping = stopOnSignal();
  const summary = await run({ replay: !flags["no-replay"], once: flags.once }, stopping);
  if (!flags.once) return 0;
  if (summary === undefined || stopping.aborted) return EXIT_INTERRUPTED;
  print(`\n${formatSummary(summary)}`);
  if (flags.json) print(JSON.stringify(summary));
  return summary.ok ? 0 : 1;
}

/** Runs the relay until the demo is through or a signal comes, and stops it again. */
async function run(
  what: { replay: boolean; once: boolean },
  stopping: AbortSignal,
): Promise<Summary | undefined> {
  const relay = await startRelay({ environment: process.env, log: terminalLog });
  try {
    print(greeting(relay.url, relay.apiKey));
    const failed = relay.failure.then((error) => {
      throw error;
    });
    const work = what.replay
      ? runDemo({ url: relay.url, apiKey: relay.apiKey, once: what.once, stopping, print })
      : aborted(stopping).then(() => undefined);
    return await Promise.race([work, failed]);
  } finally {
    await relay.stop();
  }
}

/** The first signal asks for a clean stop; the second one ends the process, and with it the engines. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  const onSignal = () => {
    if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED);
    process.stderr.write("\nstopping …\n");
    stopping.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stopping.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener("abort", () => done(), { once: true });
  });
}

function explain(error: unknown): string {
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    const port = "port" in error ? ` ${error.port}` : "";
    return `port${port} is in use; choose another one with PORT=…`;
  }
  return error instanceof Error ? error.message : String(error);
}

let exitCode: number;
try {
  exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`stasis-relay: ${explain(error)}\n`);
  exitCode = 1;
}
// A request to an endpoint that never answers would keep the process.
process.exit(exitCode);
