import { type Dirent, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { tableLines } from "../../cli/terminal/table.ts";
import { type Comparison, compare, type EventTally } from "./compare.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import { asCompared, convertAll, Recording, tellsLinkedIds, withoutLinkedIds } from "./recording.ts";

/**
 * `npm run conformance [-- DIRECTORY …]` compares what Asterisk's Manager sent with what the relay makes of the same
 * calls. Exits with 1 when an exception does not explain every difference.
 */
onReaderGone();
const own = join(import.meta.dirname, "../../local/recordings");
const isRecording = (entry: Dirent) => entry.isDirectory();
const { args } = new Command("conformance")
  .description(
    "Compares what Asterisk's Manager sent with what the relay makes of the same calls (docs/ami.md)",
  )
  .argument("[directory...]", "recordings; those of local/recordings by default")
  .parse();
const directories =
  args.length > 0
    ? args
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
  const rows = tallies.map(({ name, asterisk, relay, equal, explained }) => {
    const reasons = [...explained].map(([exception, count]) => `${count} ${exception}`).join(", ");
    return [name, asterisk, relay, equal, reasons];
  });
  const sum = (of: (tally: EventTally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
  const table = tableLines(
    [
      ["AMI event", "Asterisk", "relay", "equal", "explained"],
      ...rows,
      ["", sum(({ asterisk }) => asterisk), sum(({ relay }) => relay), sum(({ equal }) => equal), ""],
    ],
    [0, 4],
  );
  print(`${table.map((line) => `  ${line}`).join("\n")}\n`);
  for (const { name, kind, object, detail } of differences.slice(0, MAX_SHOWN))
    print(`  DIFFERENCE ${kind}: ${name} of ${object} ${detail}`);
  if (differences.length > MAX_SHOWN) print(`  … and ${differences.length - MAX_SHOWN} more differences`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
