import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { MANIFEST } from "../server/assets.ts";
import { bundleConsole } from "./bundle.ts";

/**
 * Builds the console into a folder, for `builtAssets`.
 * @returns what it was made from, by paths from the project's root
 */
export async function writeConsole(directory: string): Promise<readonly string[]> {
  const { files, contents, sources } = await bundleConsole();
  await mkdir(directory, { recursive: true });
  for (const [file, bytes] of contents)
    await writeFile(join(directory, `${file}.gz`), gzipSync(bytes, { level: 9 }));
  await writeFile(join(directory, MANIFEST), JSON.stringify(files));
  return sources;
}
