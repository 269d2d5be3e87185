/** `node console/build/main.ts FOLDER` builds the console's scripts and styles. A deployment's bundling calls it. */
import { writeConsole } from "./writeConsole.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("name the folder to write to");
await writeConsole(directory);
