import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** The flags of Node with which `npm start` runs the relay, for those who measure and test it in a process of its own. */
export function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
  const [, ...words] = String(scripts.start).split(" ");
  // The last word is the program.
  return words
    .slice(0, -1)
    .map((word) => (word.startsWith("./") ? fileURLToPath(new URL(word, ROOT)) : word));
}
