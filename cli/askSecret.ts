import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { CliError } from "./cliError.ts";
import { EXIT } from "./exitCodes.ts";

/** Asks on the terminal, without showing what is typed. Where standard input is no terminal, it is the answer. */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asked = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  // After the question, the terminal must not show what comes.
  process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      asked.once("line", (line) => resolve(line.trim()));
      // Ctrl-C or Ctrl-D.
      asked.once("SIGINT", () => asked.close());
      asked.once("close", () => reject(new CliError("interrupted", "Nothing was kept.", EXIT.interrupted)));
    });
  } finally {
    asked.close();
    process.stderr.write("\n");
  }
}
