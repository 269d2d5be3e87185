import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SpoolRecord } from "../../bridge/spool.ts";
import { ALL, event, events, open, TemporaryDirectory } from "./support.ts";

let directory: TemporaryDirectory;

beforeEach(() => {
  directory = new TemporaryDirectory();
});

afterEach(() => directory[Symbol.dispose]());

function run(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, "../../bridge/main.ts"), "spool", ...args, "--data", directory.path],
    { encoding: "utf8", input },
  );
  return { status, stdout, stderr };
}

const pathOf = (feed: string) => join(directory.path, `${feed}.spool`);

const LATIN1: SpoolRecord = {
  format: "ami",
  body: Buffer.from("Event: X\r\nName: \xe9\r\n\r\n", "latin1"),
  receivedAtEpochMillis: 1000,
};

describe("spool", () => {
  it("ls lists every spool while a bridge has it, and says who that is", () => {
    const spool = open(pathOf("pbx"));
    spool.append(events(1, 4));
    spool.acknowledge({
      producer: spool.producer,
      position: 3,
      refused: [{ position: 2, reason: "no type" }],
    });
    open(pathOf("idle")).close();
    const lines = run(["ls"])
      .stdout.split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(lines[1]).toEqual(["idle", expect.any(String), "no bridge", "0", "0.0", "-", "0", "0", "0"]);
    expect(lines[2]).toEqual([
      ...[
        "pbx",
        spool.producer,
        `process ${process.pid}`,
        "1",
        "0.0",
        "1970-01-01T00:00:00.004Z",
        "3",
        "1",
        "0",
      ],
    ]);
    expect(run(["ls", "--refused", "pbx"]).stdout).toContain("no type");
    expect(run(["export", "pbx", "--refused"]).stdout).toContain('"position":2');
    spool.append([event(5)]);
    spool.close();
  });

  it("verify finds nothing wrong with a spool, and names damage", () => {
    const spool = open(pathOf("pbx"));
    spool.append(events(1, 2000, 500));
    spool.close();
    open(pathOf("well")).close();
    expect(run(["verify"])).toMatchObject({ status: 0, stdout: "pbx: ok\nwell: ok\n" });
    const descriptor = openSync(pathOf("pbx"), "r+");
    writeSync(descriptor, Buffer.alloc(40_960, 0xee), 0, 40_960, 40 * 4096);
    closeSync(descriptor);
    const damaged = run(["verify"]);
    expect(damaged.status).toBe(1);
    expect(damaged.stdout).toContain("damaged");
    expect(damaged.stdout).toContain("well: ok");
  });

  it("export and import move a spool: the same producer goes on at the same position, byte for byte", () => {
    const spool = open(pathOf("pbx"));
    const memory = new Map([["channel:1.1", '{"id":"1.1"}']]);
    spool.append([...events(1, 1500), LATIN1], memory);
    spool.acknowledge({ producer: spool.producer, position: 2, refused: [] });
    const { producer } = spool;
    const { stdout } = run(["export", "pbx"]);
    spool.close();
    expect(stdout.split("\n")).toHaveLength(1502);
    const imported = run(["import", "moved"], stdout);
    expect(imported).toMatchObject({ status: 0, stderr: "moved: 1499 events\n" });
    const moved = open(pathOf("moved"));
    expect(moved.memory()).toEqual(memory);
    const first = moved.read(ALL);
    expect(first).toMatchObject({ producer, position: 3 });
    expect(first.records).toHaveLength(1498);
    moved.acknowledge({ producer, position: 1500, refused: [] });
    expect(moved.read(ALL).records).toEqual([expect.objectContaining(LATIN1)]);
    moved.close();
  });

  it("import refuses a spool that was used, one that a bridge has, and what is no export", () => {
    const spool = open(pathOf("pbx"));
    spool.append(events(1, 1));
    const { stdout } = run(["export", "pbx"]);
    expect(run(["import", "pbx"], stdout).stderr).toContain("has this spool");
    spool.close();
    expect(run(["import", "pbx"], stdout).stderr).toContain("Import into a feed that has no spool");
    expect(run(["import", "other"], '{"type":"ChannelCreated"}\n')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("line 1 is not of an export"),
    });
  });
});
