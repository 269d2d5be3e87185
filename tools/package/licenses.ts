import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(?<folder>.*node_modules\/(?<name>(?:@[^/]+\/)?[^/]+))\//;

/**
 * The licenses of the packages whose code is in a bundle, as they ask for.
 * @param root the folder that the paths begin in
 * @param inputs paths of the bundle's sources
 * @throws Error when a package has no license file
 */
export async function licenseTexts(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Map<string, string>();
  for (const input of inputs) {
    const { folder, name } = PACKAGE.exec(input)?.groups ?? {};
    if (folder !== undefined && name !== undefined) folders.set(name, join(root, folder));
  }
  const texts = [...folders].sort().map(async ([name, folder]) => {
    const file = existsSync(folder)
      ? readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
      : undefined;
    if (file === undefined)
      throw new Error(`${name} has no license file: read its terms before it is bundled`);
    return `${name}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
  });
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}
