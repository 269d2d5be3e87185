import type { Command } from "commander";

/** For a command whose program reads its own options: main.ts hands over when its name comes first. */
export function anotherProgram(command: Command): void {
  command
    .allowExcessArguments()
    .allowUnknownOption()
    .action(() => {
      command.error(`error: write options behind the command: stasis-relay ${command.name()} …`);
    });
}
