import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { tableLines } from "../../cli/terminal/table.ts";
import { SpoolInspection } from "./inspect.ts";
import { feedsIn, spoolPath } from "./spoolPath.ts";
import { exportLines, importLines, refusedLines } from "./transfer.ts";

/**
 * `spool ls | verify | export | import`: looks at the spools of a data directory. All but `import` also work while a
 * bridge runs, and change nothing.
 * @param defaultDirectory where the bridge keeps its spools
 */
export function spoolCommand(defaultDirectory: string): Command {
  const command = new Command("spool").description(
    "Shows, checks, exports and imports the bridge's spools: the events that the relay has not acknowledged.",
  );
  const subcommand = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option("--data <directory>", "the bridge's data directory", defaultDirectory);

  subcommand("ls", "Lists the spools of all feeds.")
    .option("--refused <feed>", "list the events of a feed that the relay refused, with its reasons")
    .action(({ data, refused }: { data: string; refused?: string }) => {
      print(tableLines(refused === undefined ? spoolRows(data) : refusedRows(data, refused), TEXT_COLUMNS));
    });

  subcommand(
    "verify",
    "Checks the files of all spools, or of one feed's. Exits with 1 when something is wrong.",
  )
    .argument("[feed]")
    .action((feed: string | undefined, { data }: { data: string }) => {
      for (const each of feed === undefined ? feedsIn(data) : [feed]) {
        const faults = faultsOf(data, each);
        print(faults.length === 0 ? [`${each}: ok`] : faults.map((fault) => `${each}: ${fault}`));
        if (faults.length > 0) process.exitCode = 1;
      }
    });

  subcommand("export", "Writes a feed's spool as NDJSON: a head, then one line for each event, oldest first.")
    .argument("<feed>")
    .option("--refused", "write the events that the relay refused instead", false)
    .action(async (feed: string, { data, refused }: { data: string; refused: boolean }) => {
      using spool = new SpoolInspection(spoolPath(data, feed));
      const lines = refused ? refusedLines(spool) : exportLines(spool, feed);
      await pipeline(Readable.from(lines), process.stdout, { end: false });
    });

  subcommand(
    "import",
    "Reads an export into a feed that has no spool yet. The bridge goes on where the export ended.",
  )
    .argument("<feed>")
    .argument("[file]", "the export; standard input if absent")
    .addHelpText("after", "\nDelete the exported spool: two bridges must not ship the same events.")
    .action(async (feed: string, file: string | undefined, { data }: { data: string }) => {
      const input = file === undefined ? process.stdin : createReadStream(file);
      const count = await importLines(spoolPath(data, feed), createInterface({ input }), {
        clocks: { nowEpochMillis: Date.now, monotonicMillis: () => performance.now() },
        processId: process.pid,
        newName: randomUUID,
        onCorrupt: ({ movedTo }) => process.stderr.write(`a damaged spool was moved to ${movedTo}\n`),
      });
      process.stderr.write(`${feed}: ${count} events\n`);
    });
  return command;
}

/** Feed, producer, times, reasons, states. */
const TEXT_COLUMNS = [0, 1, 2];

function spoolRows(directory: string): (string | number)[][] {
  const rows = feedsIn(directory).map((feed): (string | number)[] => {
    try {
      using spool = new SpoolInspection(spoolPath(directory, feed));
      const { producer, acknowledged, records, bytes, refused, dropped } = spool.state;
      const holder = spool.holder();
      return [
        feed,
        producer,
        holder === undefined ? "no bridge" : `process ${holder}`,
        records,
        (bytes / 1024 ** 2).toFixed(1),
        shownTime(spool.oldestReceivedAtEpochMillis()),
        acknowledged,
        refused,
        dropped,
      ];
    } catch (error) {
      return [feed, messageOf(error), "", "", "", "", "", "", ""];
    }
  });
  return [
    ["feed", "producer", "used by", "events", "MiB", "oldest", "acknowledged", "refused", "dropped"],
    ...rows,
  ];
}

const SHOWN_CHARACTERS = 60;

function refusedRows(directory: string, feed: string): (string | number)[][] {
  using spool = new SpoolInspection(spoolPath(directory, feed));
  const rows = [...spool.refused()].map(({ refusedAtEpochMillis, reason, record, position }) => [
    shownTime(refusedAtEpochMillis),
    reason,
    JSON.stringify(record.body.subarray(0, SHOWN_CHARACTERS).toString("latin1")).slice(1, -1),
    position,
  ]);
  return [["refused at", "reason", "begins with", "position"], ...rows];
}

function faultsOf(directory: string, feed: string): string[] {
  try {
    using spool = new SpoolInspection(spoolPath(directory, feed));
    return spool.faults();
  } catch (error) {
    return [messageOf(error)];
  }
}

function shownTime(epochMillis: number | undefined): string {
  return epochMillis === undefined ? "-" : new Date(epochMillis).toISOString();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
