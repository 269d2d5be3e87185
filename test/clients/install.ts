import type { TestProject } from "vitest/node";
import { pythonWith } from "../../local/cloud/pythonPackage.ts";
import { run } from "../../local/cloud/run.ts";
import { NODE_FOLDER, PYTHON_LIBRARIES } from "./libraries.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The Python that has the library, by the library's name. */
    readonly pythons: Readonly<Record<string, string>>;
  }
}

/** Installs the libraries, in the versions that `node/package-lock.json` and `libraries.ts` name. */
export default async function install({ provide }: TestProject): Promise<void> {
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["ci", "--prefix", NODE_FOLDER, ...options], { cwd: NODE_FOLDER });
  const pythons: Record<string, string> = {};
  for (const { name, installs, version } of PYTHON_LIBRARIES)
    pythons[name] = await pythonWith(installs, version);
  provide("pythons", pythons);
}
