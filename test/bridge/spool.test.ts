import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REFUSED_LIMITS } from "../../bridge/spool/refusedTable.ts";
import {
  ALL,
  bodyOf,
  DAY_MILLIS,
  drain,
  event,
  events,
  MEBIBYTE,
  numbersOf,
  open,
  TemporaryDirectory,
  TestClocks,
} from "./support.ts";

let directory: TemporaryDirectory;
let path: string;

beforeEach(() => {
  directory = new TemporaryDirectory();
  path = join(directory.path, "pbx.spool");
});

afterEach(() => directory[Symbol.dispose]());

describe("a spool", () => {
  it("hands records out in order, byte for byte, until they are acknowledged", () => {
    const latin1 = Buffer.from("Event: Newchannel\r\nCallerIDName: J\xfcrgen\r\n\r\n", "latin1");
    const spool = open(path);
    spool.append(events(1, 3));
    spool.append([{ format: "ami", body: latin1, receivedAtEpochMillis: 4 }]);
    const first = spool.read(ALL);
    expect([first.position, numbersOf(first.records)]).toEqual([1, [1, 2, 3]]);
    expect(spool.read(ALL)).toEqual(first);
    spool.acknowledge({ producer: spool.producer, position: 2, refused: [] });
    expect(numbersOf(spool.read(ALL).records)).toEqual([3]);
    spool.acknowledge({ producer: spool.producer, position: 3, refused: [] });
    expect(spool.read(ALL)).toMatchObject({ position: 4, records: [{ format: "ami", body: latin1 }] });
    spool.close();
  });

  it("keeps its producer and its positions over a restart, also when everything was acknowledged", () => {
    const before = open(path);
    before.append(events(1, 5));
    drain(before);
    before.close();
    const after = open(path);
    after.append(events(6, 6));
    expect(after.read(ALL)).toMatchObject({ producer: before.producer, position: 6 });
    expect(numbersOf(after.read(ALL).records)).toEqual([6]);
    after.close();
  });

  it("is a new producer when its file is new", () => {
    const spool = open(path);
    const other = open(join(directory.path, "other.spool"));
    expect(other.producer).not.toBe(spool.producer);
    spool.close();
    other.close();
  });

  it("hands out at most what was asked for, and at least one record", () => {
    const spool = open(path);
    spool.append(events(1, 10, 1000));
    expect(spool.read({ records: 4, bytes: MEBIBYTE }).records).toHaveLength(4);
    expect(spool.read({ records: 100, bytes: 2500 }).records).toHaveLength(2);
    expect(spool.read({ records: 100, bytes: 10 }).records).toHaveLength(1);
    spool.close();
  });

  it("ignores an acknowledgement for another producer, and refuses one beyond its records", () => {
    const spool = open(path);
    spool.append(events(1, 3));
    spool.acknowledge({ producer: "somebody else", position: 2, refused: [] });
    expect(spool.read(ALL).records).toHaveLength(3);
    expect(() => spool.acknowledge({ producer: spool.producer, position: 4, refused: [] })).toThrow(
      RangeError,
    );
    spool.close();
  });

  it("counts what it has", () => {
    const spool = open(path);
    spool.append(events(1, 10, 100));
    const { bytes } = spool.measure();
    expect(bytes).toBeGreaterThan(10 * 130);
    spool.acknowledge({
      producer: spool.producer,
      position: 5,
      refused: [{ position: 2, reason: "no type" }],
    });
    expect(spool.measure()).toMatchObject({
      acknowledged: 5,
      records: 5,
      refused: 1,
      oldestReceivedAtEpochMillis: 6,
    });
    drain(spool);
    expect(spool.measure()).toMatchObject({ records: 0, bytes: 0, oldestReceivedAtEpochMillis: undefined });
    spool.close();
  });

  it("keeps a bounded number of refused events, the newest ones", () => {
    const spool = open(path);
    const count = REFUSED_LIMITS.records + 50;
    for (let first = 1; first <= count; first += 1000) {
      const last = Math.min(first + 999, count);
      spool.append(events(first, last));
      const refused = Array.from({ length: last - first + 1 }, (_, index) => ({
        position: first + index,
        reason: "no type",
      }));
      spool.acknowledge({ producer: spool.producer, position: last, refused });
    }
    expect(spool.measure().refused).toBe(REFUSED_LIMITS.records);
    spool.close();
    using database = new DatabaseSync(path, { readOnly: true });
    const row = database
      .prepare("SELECT min(position) AS oldest, refused_dropped AS dropped FROM refused, state")
      .get();
    expect({ ...row }).toEqual({ oldest: 51, dropped: 50 });
  });

  it("that takes a new producer's name keeps its records, with a gap record before them", () => {
    const spool = open(path);
    spool.append(events(1, 4));
    const { producer } = spool;
    spool.acknowledge({ producer, position: 2, refused: [] });
    spool.renewProducer();
    expect(spool.producer).not.toBe(producer);
    const { position, records } = spool.read(ALL);
    expect(position).toBe(3);
    expect(records.map((record) => bodyOf(record).reason ?? bodyOf(record).number)).toEqual([
      "producer-conflict",
      3,
      4,
    ]);
    spool.close();
  });

  it("gives disk space back after a long outage", () => {
    const spool = open(path, { maxBytes: 100 * MEBIBYTE });
    for (let first = 1; first <= 4000; first += 500) spool.append(events(first, first + 499, 10_000));
    drain(spool);
    for (let number = 1; number <= 20; number += 1) {
      spool.append([event(number)]);
      drain(spool);
    }
    spool.close();
    using database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare("PRAGMA page_count").get()?.page_count).toBeLessThanOrEqual(4096 + 600);
  });
});

describe("a full spool", () => {
  it("removes the oldest records, and says once what is missing", () => {
    const spool = open(path, { maxBytes: 4 * MEBIBYTE });
    let dropped = 0;
    for (let number = 1; number <= 1000; number += 1)
      dropped += spool.append([event(number, 10_000)]).dropped;
    expect(dropped).toBeGreaterThan(500);
    expect(spool.measure()).toMatchObject({ dropped, records: 1000 - dropped + 1 });
    const all = drain(spool);
    const gaps = all.filter((record) => bodyOf(record).type === "RelayGap").map(bodyOf);
    expect(gaps).toMatchObject([{ reason: "spool-full", count: dropped }]);
    const at = all.findIndex((record) => bodyOf(record).type === "RelayGap");
    const lastBefore = Number(numbersOf(all)[at - 1]);
    expect(numbersOf(all).slice(0, at)).toEqual(Array.from({ length: at }, (_, index) => index + 1));
    expect(numbersOf(all)[at + 1]).toBe(lastBefore + dropped + 1);
    expect(gaps[0]).toMatchObject({
      from: new Date(lastBefore + 1).toISOString(),
      to: new Date(lastBefore + dropped).toISOString(),
    });
    spool.close();
  });

  it("never removes what it handed out", () => {
    const spool = open(path, { maxBytes: 4 * MEBIBYTE });
    spool.append(events(1, 50, 10_000));
    const handedOut = spool.read(ALL);
    for (let number = 51; number <= 1000; number += 1) spool.append([event(number, 10_000)]);
    expect(numbersOf(spool.read(ALL).records).slice(0, 50)).toEqual(numbersOf(handedOut.records));
    spool.acknowledge({ producer: spool.producer, position: 50, refused: [] });
    expect(numbersOf(spool.read(ALL).records)[0]).toBe(51);
    spool.close();
  });

  it("covers a lost gap record of the bridge with its own", () => {
    const spool = open(path, { maxBytes: 4 * MEBIBYTE });
    spool.append(events(1000, 1150, 10_000));
    const link = { type: "RelayGap", reason: "link", from: new Date(5).toISOString() };
    spool.append([
      { format: "stasis", body: Buffer.from(JSON.stringify(link)), receivedAtEpochMillis: 1151 },
    ]);
    for (let number = 1152; number <= 2000; number += 1) spool.append([event(number, 10_000)]);
    const gaps = drain(spool)
      .map(bodyOf)
      .filter(({ type }) => type === "RelayGap");
    expect(gaps).toMatchObject([{ reason: "spool-full", from: new Date(5).toISOString() }]);
    spool.close();
  });

  it("refuses with the policy block, and takes records again when some were acknowledged", () => {
    const spool = open(path, { maxBytes: 4 * MEBIBYTE, policy: "block" });
    spool.append(events(1, 400, 10_000));
    const more = events(401, 420, 10_000);
    expect(() => spool.append(more)).toThrow(
      expect.objectContaining({ code: "spool.full", retryable: true }),
    );
    expect(spool.measure().records).toBe(400);
    spool.acknowledge({ producer: spool.producer, position: 50, refused: [] });
    spool.append(more);
    expect(numbersOf(drain(spool)).at(-1)).toBe(420);
    spool.close();
  });
});

describe("the limit of age", () => {
  const old = { maxAgeMillis: 7 * DAY_MILLIS };

  it("removes what waited too long, beyond what may be under way", () => {
    const clocks = new TestClocks();
    const spool = open(path, old, { clocks });
    spool.append(events(1, 300, 10_000));
    clocks.pass(6 * DAY_MILLIS);
    spool.append(events(301, 310));
    spool.expire();
    expect(spool.measure().dropped).toBe(0);
    clocks.pass(2 * DAY_MILLIS);
    spool.expire();
    const numbers = drain(spool).map((record) => bodyOf(record).number ?? bodyOf(record).reason);
    const underWay = numbers.indexOf("spool-full");
    expect(underWay).toBe(104);
    expect(numbers.slice(underWay)).toEqual(["spool-full", 301, 302, 303, 304, 305, 306, 307, 308, 309, 310]);
    spool.close();
  });

  it("is not impressed by a wall clock that jumps", () => {
    const clocks = new TestClocks();
    const spool = open(path, old, { clocks });
    spool.append(events(1, 300, 10_000));
    for (const jump of [400 * DAY_MILLIS, -900 * DAY_MILLIS, 30 * DAY_MILLIS]) {
      clocks.wall += jump;
      spool.append([event(1)]);
      spool.expire();
    }
    expect(spool.measure().dropped).toBe(0);
    spool.close();
    clocks.wall -= 100 * DAY_MILLIS;
    const after = open(path, old, { clocks });
    after.expire();
    expect(after.measure().dropped).toBe(0);
    after.close();
  });

  it("counts the time while the spool was closed", () => {
    const clocks = new TestClocks();
    const before = open(path, old, { clocks });
    before.append(events(1, 300, 10_000));
    before.close();
    clocks.wall += 8 * DAY_MILLIS;
    const after = open(path, old, { clocks });
    after.expire();
    expect(after.measure().dropped).toBeGreaterThan(100);
    after.close();
  });
});

describe("a disk that refuses", () => {
  it("because it is full loses nothing that was stored, and goes on when there is room", () => {
    const spool = open(path, { maxFileBytes: 2 * MEBIBYTE });
    let stored = 0;
    const fill = () => {
      for (;;) {
        spool.append([event(stored + 1, 50_000)]);
        stored += 1;
      }
    };
    expect(fill).toThrow(expect.objectContaining({ code: "spool.disk-full", retryable: true }));
    expect(spool.measure().records).toBe(stored);
    spool.acknowledge({ producer: spool.producer, position: 10, refused: [] });
    stored += 1;
    spool.append([event(stored, 50_000)]);
    expect(numbersOf(drain(spool))).toEqual(Array.from({ length: stored - 10 }, (_, index) => index + 11));
    spool.close();
  });

  it("because nothing may be written there says which file", () => {
    writeFileSync(join(directory.path, "file"), "");
    expect(() => open(join(directory.path, "file", "pbx.spool"))).toThrow(
      expect.objectContaining({ code: "spool.read-only", message: expect.stringContaining("file") }),
    );
  });
});

describe("a damaged file", () => {
  const movedAside = () => readdirSync(directory.path).filter((name) => name.includes("-corrupt-"));

  it("is moved aside at the start; the new spool is a new producer and begins with a gap record", () => {
    writeFileSync(path, "this was a database once, and now it is something else entirely");
    const moved: string[] = [];
    const spool = open(path, {}, { onCorrupt: ({ movedTo }) => moved.push(movedTo) });
    spool.append(events(1, 2));
    expect(drain(spool).map(bodyOf)).toMatchObject([
      { type: "RelayGap", reason: "spool-corrupt" },
      { number: 1 },
      { number: 2 },
    ]);
    expect(moved).toEqual([`${path}-corrupt-2026-11-27T08-00-00-000Z`]);
    expect(movedAside()).toContain("pbx.spool-corrupt-2026-11-27T08-00-00-000Z");
    spool.close();
  });

  it("is moved aside when the damage shows later, and the records at hand are stored in the new one", () => {
    const before = open(path);
    before.append(events(1, 2000, 500));
    const { producer } = before;
    before.close();
    damage(path);
    const spool = open(path);
    expect(spool.producer).toBe(producer);
    const handedOut = drain(spool);
    for (let number = 2001; number <= 2010; number += 1) {
      spool.append([event(number)]);
      handedOut.push(...drain(spool));
    }
    expect(spool.producer).not.toBe(producer);
    const numbers = handedOut.map((record) => bodyOf(record).reason ?? bodyOf(record).number);
    const gap = numbers.indexOf("spool-corrupt");
    expect(numbers.slice(0, gap)).toEqual(Array.from({ length: gap }, (_, index) => index + 1));
    expect(numbers.slice(gap + 1)).toEqual(Array.from({ length: 10 }, (_, index) => 2001 + index));
    expect(movedAside().length).toBeGreaterThan(0);
    spool.close();
  });

  /** Overwrites all pages behind the first ones, as a bad disk does. */
  function damage(file: string): void {
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, Buffer.alloc(600_000, 0xee), 0, 600_000, 8 * 4096);
    closeSync(descriptor);
  }
});

describe("a spool of somebody else", () => {
  it("is refused while another process has it, with that process's id, and free when that one was killed", () => {
    const script = `
      import { open, event } from ${JSON.stringify(new URL("./support.ts", import.meta.url).href)};
      open(${JSON.stringify(path)}).append([event(1)]);
      process.kill(process.pid, process.argv.includes("kill") ? "SIGKILL" : "SIGCONT");
    `;
    const spool = open(path);
    const second = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`the process ${process.pid} has this spool`);
    spool.close();
    const killed = spawnSync(process.execPath, ["--input-type=module", "-e", script, "kill"], {
      encoding: "utf8",
    });
    expect(killed.signal).toBe("SIGKILL");
    const after = open(path);
    expect(numbersOf(drain(after))).toEqual([1]);
    after.close();
  });

  it("is refused, and left as it is, when a newer bridge wrote it or it is another database", () => {
    open(path).close();
    const change = (sql: string) => {
      using database = new DatabaseSync(path);
      database.exec(sql);
    };
    change("PRAGMA user_version = 2");
    expect(() => open(path)).toThrow(expect.objectContaining({ code: "spool.version" }));
    change("PRAGMA application_id = 7");
    expect(() => open(path)).toThrow(expect.objectContaining({ code: "spool.version" }));
    expect(readdirSync(directory.path).some((name) => name.includes("corrupt"))).toBe(false);
  });
});
