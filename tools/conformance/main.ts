import { type Dirent, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { type Comparison, compare } from "./compare.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import { asCompared, convertAll, Recording, tellsLinkedIds, withoutLinkedIds } from "./recording.ts";

/**
 * `npm run conformance [-- DIRECTORY …]` compares what Asterisk's Manager sent with what the relay makes of the same
 * calls. Exits with 1 when an exception does not explain every difference.
 */
const own = join(import.meta.dirname, "../../local/recordings");
const isRecording = (entry: Dirent) => entry.isDirectory();
const directories =
  process.argv.length > 2
    ? process.argv.slice(2)
    : readdirSync(own, { withFileTypes: true })
        .filter(isRecording)
        .map(({ name }) => join(own, name));

const MAX_SHOWN = 20;

let isConformant = true;
for (const directory of directories) {
  const recording = new Recording(directory);
  const stasis = recording.stasisLines();
  const asterisk = recording.amiEvents().map(asCompared);
  const title = `${basename(directory)}: ${stasis.length} Stasis events, ${asterisk.length} AMI events`;
  const isTold = tellsLinkedIds(stasis);
  const untold = compare(asterisk, convertAll(stasis.map(withoutLinkedIds)).map(asCompared), {
    ignoreLinkedIds: true,
  });
  const told = isTold ? compare(asterisk, convertAll(stasis).map(asCompared)) : untold;
  printTable(title, told);
  const share = (100 * untold.linkedIds.equal) / Math.max(1, untold.linkedIds.all);
  print(
    `  ${isTold ? "Without" : "Recorded without"} channelvars=CHANNEL(linkedid): ` +
      `${untold.differences.length} differences except for Linkedid; ` +
      `Linkedid is right in ${share.toFixed(1)} % of all places (${untold.linkedIds.equal} of ${untold.linkedIds.all}).\n`,
  );
  if (told.differences.length + untold.differences.length > 0) isConformant = false;
}
print("Exceptions:");
for (const { name, why } of EXCEPTIONS) print(`  ${name}: ${why}`);
print(
  isConformant ? "\nOK: no other difference" : "\nFAILED: there are differences that no exception explains",
);
process.exitCode = isConformant ? 0 : 1;

function printTable(title: string, { tallies, differences }: Comparison): void {
  print(`${title}\n`);
  print(`  ${"AMI event".padEnd(26)} Asterisk    relay    equal  explained`);
  const total = { asterisk: 0, relay: 0, equal: 0 };
  for (const { name, asterisk, relay, equal, explained } of tallies) {
    const reasons = [...explained].map(([exception, count]) => `${count} ${exception}`).join(", ");
    print(`  ${name.padEnd(26)} ${columns(asterisk, relay, equal)}  ${reasons}`);
    total.asterisk += asterisk;
    total.relay += relay;
    total.equal += equal;
  }
  print(`  ${"".padEnd(26)} ${columns(total.asterisk, total.relay, total.equal)}\n`);
  for (const { name, kind, object, detail } of differences.slice(0, MAX_SHOWN))
    print(`  DIFFERENCE ${kind}: ${name} of ${object} ${detail}`);
  if (differences.length > MAX_SHOWN) print(`  … and ${differences.length - MAX_SHOWN} more differences`);
}

function columns(...numbers: readonly number[]): string {
  return numbers.map((number) => String(number).padStart(8)).join(" ");
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
