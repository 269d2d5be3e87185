import { join } from "node:path";
import { buildDebianPackage } from "./debian.ts";

/** `npm run package:deb`: makes the Debian package in the project's folder. */
process.stdout.write(`${await buildDebianPackage(join(import.meta.dirname, "../.."))}\n`);
