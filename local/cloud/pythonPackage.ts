import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

const FOLDER = join(import.meta.dirname, "../../.python");

/**
 * The interpreter of a virtual environment that holds one package from PyPI, in the version given. Installs the package
 * on first use. Needs Python 3.10 or newer.
 */
export async function pythonWith(name: string, version: string): Promise<string> {
  const folder = join(FOLDER, `${name}-${version}`);
  const pythonIn = (environment: string) => join(environment, "bin/python");
  if (existsSync(folder)) return pythonIn(folder);
  // Installed under another name and renamed, so that an interrupted installation is not taken for a complete one. Pip
  // runs as a module, because scripts hold the path at which they were installed.
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await run("python3", ["-m", "venv", unfinished], {});
  await run(pythonIn(unfinished), ["-m", "pip", "install", "--quiet", `${name}==${version}`], {});
  await rename(unfinished, folder);
  return pythonIn(folder);
}
