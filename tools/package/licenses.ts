import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(?<folder>.*node_modules\/(?<name>(?:@[^/]+\/)?[^/]+))\//;

/** Terms that allow what a bundle does, and that a package may name in its manifest without a file of its own. */
const KNOWN_TERMS = new Set(["Apache-2.0", "MIT", "MIT-0"]);

/**
 * The licenses of the packages whose code is in a bundle, as they ask for.
 * @param root the folder that the paths begin in
 * @param inputs paths of the bundle's sources
 * @throws Error when nobody has read the terms of a package without a license file
 */
export async function licenseTexts(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Map<string, string>();
  for (const input of inputs) {
    const { folder, name } = PACKAGE.exec(input)?.groups ?? {};
    if (folder !== undefined && name !== undefined) folders.set(name, join(root, folder));
  }
  const texts = [...folders]
    .sort()
    .map(async ([name, folder]) => `${name}\n\n${await termsOf(name, folder)}\n`);
  return (await Promise.all(texts)).join(`\n${"-".repeat(80)}\n\n`);
}

async function termsOf(name: string, folder: string): Promise<string> {
  const file = existsSync(folder) ? readdirSync(folder).find((each) => /^licen[cs]e/i.test(each)) : undefined;
  if (file !== undefined) return (await readFile(join(folder, file), "utf8")).trim();
  const manifest: { license?: unknown; author?: unknown } = existsSync(folder)
    ? JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
    : {};
  const { license, author } = manifest;
  if (typeof license !== "string" || !KNOWN_TERMS.has(license))
    throw new Error(`${name} has no license file: read its terms before it is bundled`);
  const by = typeof author === "object" && author !== null && "name" in author ? author.name : author;
  return `${license}${typeof by === "string" ? `, by ${by}` : ""}, as its package.json says; it has no license file.`;
}
