import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { RelayError } from "../../shared/errors.ts";

/** The engine's program: the one that npm installed for this platform, else the `dynoxide` command. */
export function findDynoxide(): string {
  const besidePackage = packagedBinary();
  const candidates = [
    ...(besidePackage === undefined ? [] : [besidePackage]),
    ...(process.env.PATH ?? "").split(delimiter).map((directory) => join(directory, "dynoxide")),
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new RelayError(
    "local.dynamodb",
    "there is no embedded DynamoDB for this platform: install the `dynoxide` command, or set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB endpoint",
  );
}

function packagedBinary(): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`@dynoxide/${process.platform}-${process.arch}/package.json`);
    return join(dirname(manifest), "dynoxide");
  } catch {
    return undefined;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
