import { Command } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { COMMANDS, type CommandModule } from "./commandList.ts";
import { onReaderGone } from "./terminal/reader.ts";

/**
 * `npm run relay -- --help`, and the command `stasis-relay` of the package. It loads a command's file only when the
 * command is named, so that help comes at once.
 */

const RELAY_HELP = `
The relay: --relay and --key-file, else STASIS_RELAY_URL and STASIS_RELAY_KEY,
else --context, STASIS_RELAY_CONTEXT or the context in use (\`stasis-relay
login\`). Without all of them it is http://127.0.0.1:8080, as \`start\` has it.

Exit codes: 0 done, 1 refused or a check failed, 3 no such thing, 4 the key may
not, 5 the relay is away or busy, 6 not confirmed, 130 stopped before the end.`;

onReaderGone();

const args = process.argv.slice(2);
// Other programs under one roof: their options are their own.
if (args[0] === "start" || args[0] === "bridge") {
  process.argv.splice(2, 1);
  if (args[0] === "start") await import("../local/main.ts");
  else await import("../bridge/main.ts");
} else {
  // commander's own `help COMMAND` would not load the command.
  const [first, ...others] = args;
  const wanted = first === "help" && others.length > 0 ? [...others, "--help"] : args;
  const root = await program(wanted);
  await root.parseAsync(wanted, { from: "user" });
}

/** All commands by name, and those that the arguments name with what they take. */
async function program(wanted: readonly string[]): Promise<Command> {
  const root: Command = new Command("stasis-relay")
    .description("Works with a stasis-relay: Asterisk's messages as a shared, ordered queue.")
    .version(packageJson.version)
    .optionsGroup("Every command has:")
    .option("--json", "the answer as JSON: one document, or one line each where it goes on")
    .option("--relay <url>", "the relay's address")
    .option("--key-file <file>", "a file with the key; - for standard input")
    .option("--context <name>", "a relay that `login` keeps")
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: () => root.options.filter(({ long }) => long !== "--version"),
    })
    .showHelpAfterError("(--help shows how it is used)")
    .showSuggestionAfterError()
    .addHelpText("after", RELAY_HELP);
  const unloaded = new Map<Command, () => Promise<CommandModule>>();
  for (const [group, commands] of Object.entries(COMMANDS))
    for (const { name, summary, load } of commands)
      unloaded.set(root.command(name).summary(summary).description(summary).helpGroup(group), load);
  const define = async (command: Command) => {
    const load = unloaded.get(command);
    unloaded.delete(command);
    (await load?.())?.define(command, all);
  };
  const all = async () => {
    for (const command of root.commands) await define(command);
    return root.commands;
  };
  // Any argument may be the command: commander knows which of the others are values.
  for (const command of root.commands) if (wanted.includes(command.name())) await define(command);
  return root;
}
