import { Argument, type Command } from "commander";
import { type CompletedCommand, completionScript } from "../completionScript.ts";
import { type Run, runs } from "../run.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

export function define(command: Command, all: () => Promise<readonly Command[]>): void {
  command
    .description("Prints completion for a shell. It is fixed text: nothing is called while you type.")
    .addArgument(new Argument("<shell>", "your shell").choices(SHELLS))
    .addHelpText(
      "after",
      `
In bash and zsh, for example in ~/.bashrc or ~/.zshrc behind compinit:
  source <(stasis-relay completion bash)
  source <(stasis-relay completion zsh)

In fish, once:
  stasis-relay completion fish > ~/.config/fish/completions/stasis-relay.fish`,
    )
    .action(
      runs(async (run: Run, shell: (typeof SHELLS)[number]) => {
        const commands = await all();
        const globals =
          commands[0]?.parent?.options.flatMap(({ long }) => (long && long !== "--version" ? long : [])) ??
          [];
        await run.print(completionScript(shell, commands.map(described), [...globals, "--help"]));
      }),
    );
}

function described(command: Command): CompletedCommand {
  return {
    name: command.name(),
    summary: command.summary() || command.description(),
    options: command.options.flatMap(({ long, description, argChoices }) =>
      long ? [{ flag: long, description, choices: argChoices ?? [] }] : [],
    ),
    takesFile: command.registeredArguments.some((argument) => /^(file|body)$/.test(argument.name())),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    subcommands: command.commands.map(described),
  };
}
