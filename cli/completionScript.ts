export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly {
    readonly flag: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
  readonly takesFile: boolean;
  /** What its argument can be. */
  readonly choices: readonly string[];
  readonly subcommands: readonly CompletedCommand[];
}

const PROGRAM = "stasis-relay";

/** A completion script for one shell, which asks nobody while it runs. */
export function completionScript(
  shell: "bash" | "zsh" | "fish",
  commands: readonly CompletedCommand[],
  globalFlags: readonly string[],
): string {
  switch (shell) {
    case "bash":
      return bash(commands, globalFlags);
    case "zsh":
      return zsh(commands, globalFlags);
    case "fish":
      return fish(commands, globalFlags);
  }
}

function bash(commands: readonly CompletedCommand[], globalFlags: readonly string[]): string {
  return `_stasis_relay() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words="" said="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) said="\${said:+$said }$word" ;; esac
  done
  case "$before" in
${valueCases(commands)}
    *)
      case "$said" in
${wordCases(commands, globalFlags)}
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _stasis_relay ${PROGRAM}`;
}

/** Works as an autoloaded file and as a sourced one. */
function zsh(commands: readonly CompletedCommand[], globalFlags: readonly string[]): string {
  return `#compdef ${PROGRAM}
_stasis-relay() {
  local word said="" words_found=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) said="\${said:+$said }$word" ;; esac
  done
  case "\${words[CURRENT-1]}" in
${valueCases(commands).replaceAll("words=", "words_found=")}
    *)
      case "$said" in
${wordCases(commands, globalFlags).replaceAll("words=", "words_found=")}
      esac
      ;;
  esac
  compadd -- \${=words_found} || _files
}
if [ "$funcstack[1]" = "_stasis-relay" ]; then _stasis-relay "$@"; else compdef _stasis-relay ${PROGRAM}; fi`;
}

/** After an option that takes one of a few words. */
function valueCases(commands: readonly CompletedCommand[]): string {
  const options = commands
    .flatMap((command) => [command, ...command.subcommands])
    .flatMap((each) => each.options);
  const values = new Map(
    options.filter(({ choices }) => choices.length > 0).map(({ flag, choices }) => [flag, choices]),
  );
  return [...values].map(([flag, choices]) => `    ${flag}) words="${choices.join(" ")}" ;;`).join("\n");
}

/** What may follow the words that were said. */
function wordCases(commands: readonly CompletedCommand[], globalFlags: readonly string[]): string {
  const words = (command: CompletedCommand) =>
    [
      ...command.subcommands.map(({ name }) => name),
      ...command.choices,
      ...command.options.map(({ flag }) => flag),
      ...globalFlags,
    ].join(" ");
  const named = commands.flatMap((command) => [
    [`"${command.name}"`, command] as const,
    ...command.subcommands.map((each) => [`"${command.name} ${each.name}"*`, each] as const),
    ...(command.subcommands.length === 0 ? [[`"${command.name} "*`, command] as const] : []),
  ]);
  const first = [...commands.map(({ name }) => name), ...globalFlags, "--version"].join(" ");
  return [
    `        "") words="${first}" ;;`,
    ...named.map(([pattern, each]) => `        ${pattern}) words="${words(each)}" ;;`),
  ].join("\n");
}

function fish(commands: readonly CompletedCommand[], globalFlags: readonly string[]): string {
  const lines = [`complete -c ${PROGRAM} -f`];
  for (const flag of globalFlags) lines.push(`complete -c ${PROGRAM} -l ${flag.slice(2)}`);
  for (const command of commands) {
    lines.push(
      `complete -c ${PROGRAM} -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
    );
    const within = `-n '__fish_seen_subcommand_from ${command.name}'`;
    if (command.takesFile) lines.push(`complete -c ${PROGRAM} ${within} -F`);
    for (const each of [...command.choices, ...command.subcommands.map(({ name }) => name)])
      lines.push(`complete -c ${PROGRAM} ${within} -a ${each}`);
    for (const { flag, description, choices } of [command, ...command.subcommands].flatMap(
      ({ options }) => options,
    )) {
      const values = choices.length > 0 ? ` -x -a ${quoted(choices.join(" "))}` : "";
      lines.push(`complete -c ${PROGRAM} ${within} -l ${flag.slice(2)}${values} -d ${quoted(description)}`);
    }
  }
  return lines.join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
