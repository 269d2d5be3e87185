import { blocksOf, DOCUMENTS } from "./documents.ts";

interface Command {
  readonly document: string;
  /** Exactly as in the document, comments at its end included. */
  readonly text: string;
}

/** The commands of the `sh` blocks of all documents, and which of them somebody has run. */
export class Commands {
  readonly #all: readonly Command[] = DOCUMENTS.flatMap((document) =>
    blocksOf(document, "sh").flatMap((block) => commandsIn(block).map((text) => ({ document, text }))),
  );
  readonly #taken = new Set<Command>();

  /** The commands of one document that match, in its order, each of which is taken once. */
  take(document: string, ...parts: readonly string[]): string {
    return parts
      .map((part) => {
        const found = this.#all.find(
          (command) =>
            command.document === document && command.text.includes(part) && !this.#taken.has(command),
        );
        if (found === undefined) throw new Error(`${document} has no further command with ${part}`);
        this.#taken.add(found);
        return found.text;
      })
      .join("\n");
  }

  /** Those that nobody took. */
  left(): Command[] {
    return this.#all.filter((command) => !this.#taken.has(command));
  }
}

/** A command ends with its line, unless a quote, a backslash or a pipe goes on. */
function commandsIn(block: string): string[] {
  const commands: string[] = [];
  let open = "";
  for (const line of block.split("\n")) {
    open = open === "" ? line : `${open}\n${line}`;
    const isQuoted = open.replace(/(^| )#.*$/gm, "").split("'").length % 2 === 0;
    if (isQuoted || /[\\|]$/.test(line)) continue;
    if (open.trim() !== "" && !open.startsWith("#")) commands.push(open);
    open = "";
  }
  return commands;
}
