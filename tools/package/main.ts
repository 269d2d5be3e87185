import { join } from "node:path";
import { buildPackage } from "./buildPackage.ts";

/** `npm run build`: makes the package in dist/. `npm run package` packs it. */
const directory = join(import.meta.dirname, "../../dist");
await buildPackage(directory);
process.stdout.write(`${directory}\n`);
