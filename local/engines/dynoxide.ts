import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { RelayError } from "../../shared/errors.ts";

/** The engine's program: the one that npm installed for this platform, else the `dynoxide` command. */
export function findDynoxide(
  platform = `${process.platform}-${process.arch}`,
  path = process.env.PATH ?? "",
): string {
  const besidePackage = packagedBinary(platform);
  const candidates = [
    ...(besidePackage === undefined ? [] : [besidePackage]),
    ...path.split(delimiter).map((directory) => join(directory, "dynoxide")),
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new RelayError(
    "local.dynamodb",
    `There is no embedded DynamoDB for ${platform}: npm installs the one for linux-x64 only, and not with --omit=optional. Install the dynoxide command with ` +
      `"brew install nubo-db/tap/dynoxide", "npm install --global dynoxide" or "cargo install dynoxide-rs", ` +
      "or set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB endpoint (docs/local-clouds.md).",
  );
}

function packagedBinary(platform: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`@dynoxide/${platform}/package.json`);
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
