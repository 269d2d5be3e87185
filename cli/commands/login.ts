import { type Command, InvalidArgumentError } from "commander";
import { RelayCallError } from "../../client/relayCallError.ts";
import { askSecret } from "../askSecret.ts";
import { CliError } from "../cliError.ts";
import { CONTEXT_NAME, contextPath, readContexts, writeContexts } from "../context.ts";
import { EXIT } from "../exitCodes.ts";
import { address } from "../options.ts";
import { abilityText, probeKey } from "../probe.ts";
import { clientOf, type Run, runs } from "../run.ts";
import { checkedUrl, isLoopback, readKey } from "../target.ts";

interface Options {
  readonly name?: string;
  readonly check: boolean;
}

export function define(command: Command): void {
  command
    .description(
      "Keeps a relay's address and key in a file that only you can read, and uses them from now on.",
    )
    .argument("<url>", "the relay's address", address(checkedUrl))
    .option("--name <name>", "the context's name; the address's host if absent", contextName)
    .option("--no-check", "keep them without calling the relay")
    .addHelpText(
      "after",
      `
The key is asked for, read from --key-file, or from standard input where it is
no terminal. It is an argument of no command, so that neither the shell's
history nor the list of processes has it, and no command shows it again. The
file is $XDG_CONFIG_HOME/stasis-relay/contexts.json, by default in ~/.config,
with mode 0600.

Examples:
  stasis-relay login https://relay.example.com
  stasis-relay login http://127.0.0.1:8080 --name local < key.txt`,
    )
    .action(runs(login));
}

async function login(run: Run, url: string, { name = defaultName(url), check }: Options) {
  const { keyFile } = run.targetOptions;
  const path = contextPath(process.env);
  const file = await readContexts(path);
  const key = keyFile === undefined ? await askSecret(`Key for ${url}: `) : await readKey(keyFile);
  if (!/^[\x21-\x7e]{1,1000}$/.test(key))
    throw new CliError("key.malformed", "A key is one word of visible characters. Nothing was kept.");
  if (!isLoopback(url) && url.startsWith("http:"))
    run.note(`The key goes to ${url} unencrypted: use https, unless the network between is yours alone.`);
  const ability = check ? await checkKey(url, key) : undefined;
  await writeContexts(path, { current: name, contexts: { ...file.contexts, [name]: { url, key } } });
  await run.answer({ context: name, url, ...(ability && { ability }), file: path }, () => [
    `Commands call ${url} from now on (context ${name})${ability === undefined ? "" : `; the key ${ability}`}.`,
    `Kept in ${path}.`,
  ]);
}

async function checkKey(url: string, key: string): Promise<string> {
  try {
    return abilityText(await probeKey(clientOf(url, key)));
  } catch (error) {
    if (error instanceof RelayCallError && error.status === 401)
      throw new CliError(
        "key.wrong",
        `The relay at ${url} does not know this key. Nothing was kept.`,
        EXIT.denied,
      );
    if (error instanceof RelayCallError && error.status === undefined)
      throw new CliError(
        "call.failed",
        `No relay answers at ${url}: ${error.detail}. Nothing was kept; --no-check keeps it all the same.`,
        EXIT.unavailable,
      );
    throw error;
  }
}

function defaultName(url: string): string {
  const name = new URL(url).hostname.replace(/[^A-Za-z0-9._-]/g, "").slice(0, 64);
  return CONTEXT_NAME.test(name) ? name : "relay";
}

function contextName(text: string): string {
  if (!CONTEXT_NAME.test(text))
    throw new InvalidArgumentError("must have 1 to 64 letters, digits, dots, underscores or hyphens");
  return text;
}
