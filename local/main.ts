import { Command, Option } from "commander";
import { onReaderGone } from "../cli/terminal/reader.ts";
import { RelayClient } from "../client/index.ts";
import { Activity, watch } from "./activity.ts";
import { asteriskOf } from "./asterisk/address.ts";
import { runLocalBridge } from "./asterisk/localBridge.ts";
import { DEMO_FEED, runDemo } from "./demo/demo.ts";
import { formatSummary, type Summary } from "./demo/summary.ts";
import { printEvents } from "./live/eventLines.ts";
import { LiveScreen } from "./live/screen.ts";
import { watchLive } from "./live/watchLive.ts";
import { servedPages } from "./pages.ts";
import { startRelay } from "./relay.ts";
import { amiHttpPortOf, amiPortOf } from "./relayEnvironment.ts";
import { amiHelp, ENVIRONMENT_HELP, greeting, queueHelp, surroundingsOf, terminalLog } from "./terminal.ts";

/** What a shell expects of a program that Ctrl-C ended before it was done. */
const EXIT_INTERRUPTED = 130;

const program = new Command("stasis-relay")
  .description(
    "Runs the whole pipeline on this machine, over embedded DynamoDB and SQS, and replays recorded calls to three webhook sessions.",
  )
  .addOption(
    new Option(
      "--once",
      "replay as fast as possible, check what arrived, print a summary, and exit with 0 or 1",
    ).conflicts("replay"),
  )
  .option("--json", "with --once: print the summary as JSON on the last line")
  .option("--no-replay", "run only the relay")
  .addOption(
    new Option(
      "--asterisk <url>",
      "bring the calls of a real Asterisk into the relay: http://USER:PASSWORD@127.0.0.1:8088",
    ).conflicts("once"),
  )
  .option("--feed <name>", "with --asterisk: the feed that its events go to", "pbx-1")
  .option("--verbose", "print a line for each message that is appended")
  .addHelpText("after", ENVIRONMENT_HELP)
  .parse();
const {
  once = false,
  json = false,
  replay,
  asterisk,
  feed,
  verbose = false,
} = program.opts<{
  once?: true;
  json?: true;
  replay: boolean;
  asterisk?: string;
  feed: string;
  verbose?: true;
}>();
if (json && !once) program.error("error: option '--json' needs option '--once'");

/** In a terminal, a table that changes in place; lines in a pipe, and with --once, which ends soon. */
const screen =
  process.stdout.isTTY && process.env.TERM !== "dumb" && !once ? new LiveScreen(process.stdout) : undefined;
process.once("exit", () => screen?.close());

const print = (text: string) => (screen ? screen.print(text) : void process.stdout.write(`${text}\n`));
/** Beside the table only where both go to the same terminal. */
const printAside = (text: string) =>
  screen && process.stderr.isTTY ? screen.print(text) : void process.stderr.write(`${text}\n`);

/** @returns the exit code. */
async function main(): Promise<number> {
  const stopping = stopWhenAsked();
  const summary = await run(stopping);
  if (!once) return 0;
  if (summary === undefined || stopping.aborted) return EXIT_INTERRUPTED;
  print(`\n${formatSummary(summary)}`);
  if (json) print(JSON.stringify(summary));
  return summary.ok ? 0 : 1;
}

/** Runs the relay until the demo is through or a signal comes, and stops it again. */
async function run(stopping: AbortSignal): Promise<Summary | undefined> {
  const ari = asterisk === undefined ? undefined : asteriskOf(asterisk, feed);
  const activity = new Activity(replay && screen === undefined ? [DEMO_FEED] : []);
  const ami = amiPortOf(process.env);
  const relay = await startRelay({
    environment: process.env,
    amiPort: ami?.port,
    isAmiPortOptional: ami?.isChosen === false,
    amiHttpPort: amiHttpPortOf(process.env),
    log: terminalLog(printAside),
    metrics: activity,
  });
  try {
    const dataDirectory = process.env.RELAY_DATA_DIR || undefined;
    print(greeting(relay.url, relay.apiKey, dataDirectory));
    print(queueHelp(relay.connection, relay.queues.ingest.url));
    print(amiHelp(relay, replay && !once));
    const client = new RelayClient({ url: relay.url, apiKey: relay.apiKey });
    const pages = await servedPages(relay.url);
    if (pages.length > 0) print(`In a browser: ${pages.map((path) => relay.url + path).join(" and ")}\n`);
    const names = new Map<string, string>();
    const demo = replay
      ? runDemo({
          url: relay.url,
          apiKey: relay.apiKey,
          once,
          hasAmiUser: relay.amiPorts.port !== undefined,
          printsProgress: screen === undefined,
          stopping,
          print,
          onSubscribed: (sessions) => {
            for (const [id, { name }] of sessions) names.set(id, name);
          },
        })
      : undefined;
    const watching =
      screen === undefined
        ? !once && watch({ activity, client, stopping, print, showsSessions: !replay })
        : watchLive({
            activity,
            client,
            names,
            stopping,
            surroundings: surroundingsOf({ url: relay.url, pages, dataDirectory }),
            show: (render) => screen.show(render),
          });
    const events = verbose ? printEvents({ client, stopping, print }) : undefined;
    const bridge = ari && runLocalBridge({ ari, feed, relay, client, dataDirectory, stopping, print });
    const failed = relay.failure.then((error) => {
      throw error;
    });
    const [summary] = await Promise.race([Promise.all([demo, watching, bridge, events]), failed]);
    return summary;
  } finally {
    screen?.close();
    await relay.stop();
  }
}

/**
 * The first signal asks for a clean stop; the second one ends the process, and with it the engines. Without a reader
 * there is nothing to show, so the relay stops; only --once goes on, because its exit code is a verdict.
 */
function stopWhenAsked(): AbortSignal {
  const stopping = new AbortController();
  onReaderGone(() => {
    if (!once) stopping.abort();
  });
  const onSignal = () => {
    if (stopping.signal.aborted) process.exit(EXIT_INTERRUPTED);
    screen?.close();
    process.stderr.write("\nstopping …; Ctrl-C again stops at once\n");
    stopping.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, onSignal);
  if (screen === undefined) return stopping.signal;
  // The terminal was closed. Without a table this keeps its meaning, so that nohup works.
  process.on("SIGHUP", onSignal);
  process.on("SIGTSTP", () => {
    screen.leave();
    process.kill(process.pid, "SIGSTOP");
  });
  process.on("SIGCONT", () => screen.comeBack());
  return stopping.signal;
}

function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const port = error instanceof Error && "port" in error ? ` ${error.port}` : "";
  const isAmi = error instanceof Error && "port" in error && error.port === amiPortOf(process.env)?.port;
  const variable = isAmi ? "AMI_PORT" : "PORT";
  if (code === "EADDRINUSE") return `port${port} is in use; choose another one with ${variable}=…`;
  if (code === "EACCES" && port !== "")
    return `port${port} is for root only; choose another one with ${variable}=…`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return `HOST: must be an address of this machine; "${process.env.HOST}" is not`;
  return error instanceof Error ? error.message : String(error);
}

let exitCode: number;
try {
  exitCode = await main();
} catch (error) {
  process.stderr.write(`stasis-relay: ${explain(error)}\n`);
  exitCode = 1;
}
// A request to an endpoint that never answers would keep the process.
process.exit(exitCode);
