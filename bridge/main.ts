import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { onReaderGone } from "../cli/terminal/reader.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import { Bridge } from "./bridge.ts";
import { ConfigError } from "./bridgeError.ts";
import { checkAll } from "./check/checkAll.ts";
import { doctorLines, verdictLines } from "./check/report.ts";
import { readConfig } from "./config/readConfig.ts";
import { type Resolved, resolve } from "./config/resolve.ts";
import { SECRET_VARIABLES, SINGLE_SETTINGS, type SingleFlags, singleConfig } from "./config/single.ts";
import { bridgeLog } from "./outside/log.ts";
import { LoopDelay } from "./outside/loopDelay.ts";
import { startOutsideServer } from "./outside/server.ts";
import { systemd } from "./outside/systemd.ts";
import { spoolCommand } from "./spool/commands.ts";
import { VERSION } from "./version.ts";

/** `npm run bridge -- --help`. Exits with 1 when the configuration is wrong, and with 0 after SIGTERM. */

type Options = SingleFlags & { readonly config?: string };

const SECRETS = `
Secrets come from the environment: ${Object.values(SECRET_VARIABLES).join(", ")};
in a configuration file from { env: NAME }, { file: PATH } or { credential: NAME } (systemd).

docs/connect-asterisk.md says what to set in Asterisk.`;

function withSources(command: Command): Command {
  command.option(
    "--config <file>",
    "the configuration file (BRIDGE_CONFIG); without it, one PBX by these options:",
  );
  for (const { flag, variable, help } of Object.values(SINGLE_SETTINGS))
    command.option(flag, `${help} (${variable})`);
  return command.addHelpText("after", SECRETS);
}

const program = withSources(
  new Command("stasis-relay-bridge")
    .description("Brings the events of Asterisk PBXs into a relay, without losing any in silence.")
    .version(VERSION)
    .showHelpAfterError()
    .enablePositionalOptions(),
).action((options: Options) => run(options));

withSources(program.command("validate"))
  .description("Checks the configuration, connects to everything once, and says what is wrong and where.")
  .action(async (options: Options) => {
    const findings = await checkAll(configured(options));
    for (const line of verdictLines(findings, process.stdout.isTTY)) print(line);
    process.exitCode = findings.some(({ verdict }) => verdict === "wrong") ? 1 : 0;
  });

withSources(program.command("doctor"))
  .description("Shows what the bridge sees: the PBXs and their configuration, the spools, the relay.")
  .action(async (options: Options) => {
    const findings = await checkAll(configured(options));
    for (const line of doctorLines(findings, process.stdout.isTTY)) print(line);
    process.exitCode = findings.some(({ verdict }) => verdict === "wrong") ? 1 : 0;
  });

program.addCommand(spoolCommand(process.env.BRIDGE_SPOOL || "/var/lib/stasis-relay-bridge"));

/** @throws ConfigError */
function configured(options: Options): Resolved {
  const path = options.config ?? process.env.BRIDGE_CONFIG;
  const config = path ? readConfig(textOf(path), basename(path)) : singleConfig(options, process.env);
  return resolve(config, process.env);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigError([{ at: path, message: `cannot be read (${code})` }]);
  }
}

async function run(options: Options): Promise<void> {
  const config = configured(options);
  const log = bridgeLog({
    form: process.stdout.isTTY ? "lines" : "json",
    nowEpochMillis: Date.now,
    write: print,
  });
  using notify = systemd(process.env, log);
  using loopDelay = new LoopDelay();
  const bridge = await Bridge.start(config, { clock: systemClock, log, newId: randomUUID });
  void bridge.failed.then((error) => {
    log.error("the bridge ends, so that it is started again: it can store nothing any more", { error });
    process.exit(1);
  });
  const outside = await startOutsideServer({
    ...config.outside,
    nowEpochMillis: Date.now,
    statuses: () => bridge.statuses(),
    loopDelays: () => loopDelay.seconds(),
  });
  log.info("the bridge runs", { pbxs: config.pbxs.length, outside: outside.url });
  // The bridge is ready to work. Whether PBXs and relay are there, /ready says: systemd must not restart it for them.
  notify.ready();

  let reloading = Promise.resolve();
  process.on("SIGHUP", () => {
    notify.reloading();
    reloading = reloading
      .then(() => bridge.reload(configured(options)))
      .catch((error: unknown) =>
        log.error("the configuration was not taken; the bridge goes on as it was", { error }),
      )
      .then(() => notify.ready());
  });
  const { signal, waiting } = untilSignal();
  log.info(`stopping after ${await waiting}`);
  notify.stopping();
  process.once(signal, () => process.exit(130));
  await reloading;
  await bridge.stop();
  await outside.close();
}

/** The first SIGTERM or SIGINT asks for a clean stop; Ctrl-C again ends it at once. */
function untilSignal(): { signal: "SIGINT"; waiting: Promise<string> } {
  const { promise, resolve: stop } = Promise.withResolvers<string>();
  process.once("SIGTERM", () => stop("SIGTERM"));
  process.once("SIGINT", () => stop("SIGINT"));
  return { signal: "SIGINT", waiting: promise };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

onReaderGone();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else
    process.stderr.write(`stasis-relay-bridge: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
