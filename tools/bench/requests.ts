import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { Command } from "commander";
import { onReaderGone } from "../../cli/terminal/reader.ts";
import { readRecording } from "../../local/demo/recording.ts";
import { GROUP_SESSIONS } from "../../shared/groups/group.ts";
import {
  type Condition,
  measureFreeing,
  measurePages,
  measureSteady,
  measureSweeps,
  RECEIVER_MILLIS,
} from "./counting.ts";
import { EventSource } from "./scenarios.ts";

/**
 * `npm run bench:requests -- --write` counts the requests of each function to AWS under named conditions.
 * `npm run cost` reads the file that it writes.
 */
const PAGE_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500];
/**
 * One and 32 sessions are one group, and `npm run cost` takes from their difference what a further session of a group
 * costs. The larger numbers say what a further group costs.
 */
const CONDITIONS: readonly Condition[] = [
  ...[1, 32, 320].map((sessions) => ({ pagesPerSecond: 0.2, sessions, seconds: 40 })),
  ...[1, 10, 32, 100, 320, 1_000].map((sessions) => ({ pagesPerSecond: 2, sessions, seconds: 35 })),
  ...[1, 32, 100].map((sessions) => ({ pagesPerSecond: 10, sessions, seconds: 25 })),
];
const SWEPT_SESSIONS = [0, 32, 320];

onReaderGone();
const { write } = new Command("bench:requests")
  .description("Counts each function's requests to AWS, for `npm run cost`. Takes about twelve minutes.")
  .option("--write", "write tools/bench/requests.json, and print nothing")
  .parse()
  .opts<{ write?: true }>();

const lines = (await readRecording()).map(({ line }) => line);
const source = new EventSource(lines);
const reported = async <T>(what: string, measure: Promise<T>): Promise<T> => {
  const result = await measure;
  process.stderr.write(`${what}: ${JSON.stringify(result)}\n`);
  return result;
};

const pages = [];
for (const size of PAGE_SIZES) pages.push(await reported("pages", measurePages(source, size)));
const sweeps = [];
for (const sessions of SWEPT_SESSIONS) sweeps.push(await reported("sweep", measureSweeps(source, sessions)));
const freeing = await reported("freeing", measureFreeing(source));
const steady = [];
for (const condition of CONDITIONS) steady.push(await reported("steady", measureSteady(source, condition)));

const measured = {
  measuredOn: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0]?.model ?? "CPU"}, Node ${process.version}, embedded engines`,
  eventBytes: Math.round(lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / lines.length),
  receiverMillis: RECEIVER_MILLIS,
  sessionsPerRow: GROUP_SESSIONS,
  pages,
  sweeps,
  freeing,
  steady,
};
const text = `${JSON.stringify(measured, undefined, 2)}\n`;
if (write) await writeFile(new URL("./requests.json", import.meta.url), text);
else process.stdout.write(text);
