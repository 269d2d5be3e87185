import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Intake } from "../../bridge/intake.ts";
import { openSpool } from "../../bridge/spool/openSpool.ts";
import type { SpoolLimits } from "../../bridge/spool/spoolLimits.ts";
import type { AsyncSpool, SpoolRecord } from "../../bridge/spool.ts";
import type { MemoryChanges } from "../../bridge/truth/memory.ts";
import { eventually } from "../support/eventually.ts";
import { TestDirectory } from "./testBridge.ts";

const LIMITS: SpoolLimits = { maxBytes: 4 * 2 ** 20, maxAgeMillis: 86_400_000, policy: "block" };

function open(directory: TestDirectory) {
  return openSpool(
    { path: join(directory.path, "pbx-1.spool"), limits: LIMITS },
    {
      clocks: { nowEpochMillis: Date.now, monotonicMillis: () => performance.now() },
      processId: process.pid,
      newName: randomUUID,
      onCorrupt: () => {},
    },
  );
}

const record = (bytes = 10): SpoolRecord => ({
  format: "stasis",
  body: Buffer.alloc(bytes, "{"),
  receivedAtEpochMillis: Date.now(),
});

describe("the memory in a spool", () => {
  it("outlives the process, with what was changed and without what was removed", () => {
    using directory = new TestDirectory();
    const first = open(directory);
    expect(first.memory()).toEqual(new Map());
    first.append(
      [record()],
      new Map([
        ["channel:1", "a"],
        ["channel:2", "b"],
      ]),
    );
    first.append(
      [],
      new Map([
        ["channel:1", null],
        ["channel:2", "c"],
      ]),
    );
    first.close();
    const second = open(directory);
    expect(second.memory()).toEqual(new Map([["channel:2", "c"]]));
    expect(second.measure().records).toBe(1);
    second.close();
  });

  it("stays as it was when the records are not stored", () => {
    using directory = new TestDirectory();
    const spool = open(directory);
    spool.append([record()], new Map([["k", "old"]]));
    expect(() => spool.append([record(5 * 2 ** 20)], new Map([["k", "new"]]))).toThrow("limit");
    expect(spool.memory()).toEqual(new Map([["k", "old"]]));
    spool.close();
  });
});

describe("the intake", () => {
  /** A spool that notes what each transaction brings. */
  function noting() {
    const transactions: { records: number; changes: Record<string, string | null> }[] = [];
    const append: AsyncSpool["append"] = async (records, changes: MemoryChanges = new Map()) => {
      transactions.push({ records: records.length, changes: Object.fromEntries(changes) });
      return { dropped: 0 };
    };
    return { transactions, spool: { append } };
  }
  const silent = { onFull: () => {}, onStored: () => {}, onTrouble: () => {} };

  it("stores a change in the transaction of its record, and the last change of a key wins", async () => {
    const { transactions, spool } = noting();
    const intake = new Intake({ spool, ...silent, maxTransactionRecords: 2 });
    for (const n of [1, 2, 3])
      intake.take(
        record(),
        () =>
          new Map([
            ["k", String(n)],
            [`k${n}`, "x"],
          ]),
      );
    intake.remember(new Map([["k", null]]));
    await intake.idle();
    expect(transactions).toEqual([
      { records: 2, changes: { k: "2", k1: "x", k2: "x" } },
      { records: 1, changes: { k: null, k3: "x" } },
    ]);
  });

  it("changes nothing for an event that is lost", async () => {
    const { transactions, spool } = noting();
    const intake = new Intake({ spool, ...silent, maxBytes: 300 });
    expect(intake.take(record(), () => new Map([["k", "1"]]))).toBe(true);
    expect(intake.take(record(), () => expect.unreachable("the event is lost"))).toBe(false);
    await eventually("the first one", () => transactions.length === 1);
    expect(transactions[0]?.changes).toEqual({ k: "1" });
  });
});
