import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Intake, type IntakeOptions } from "../../bridge/intake.ts";
import { SpoolError } from "../../bridge/spool/spoolError.ts";
import { SpoolThread } from "../../bridge/spool/spoolThread.ts";
import type { Appended, SpoolRecord } from "../../bridge/spool.ts";
import { ALL, DAY_MILLIS, event, events, MEBIBYTE, numbersOf, TemporaryDirectory } from "./support.ts";

/** A spool that a test lets succeed or fail. */
class ControlledSpool {
  readonly stored: SpoolRecord[][] = [];
  failure: SpoolError | undefined;

  async append(records: readonly SpoolRecord[]): Promise<Appended> {
    if (this.failure) throw this.failure;
    this.stored.push([...records]);
    return { dropped: 0 };
  }
}

function intakeOn(spool: IntakeOptions["spool"], options: Partial<IntakeOptions> = {}) {
  const said: unknown[] = [];
  const intake = new Intake({
    spool,
    retryMillis: 1,
    onFull: () => said.push("full"),
    onStored: () => {},
    onTrouble: (error) => said.push(error),
    ...options,
  });
  return { intake, said };
}

describe("the intake", () => {
  it("stores all that waits in one transaction, in order", async () => {
    const spool = new ControlledSpool();
    const { intake } = intakeOn(spool);
    for (const each of events(1, 500)) intake.take(each);
    await intake.idle();
    expect(spool.stored.map(numbersOf)).toEqual([Array.from({ length: 500 }, (_, index) => index + 1)]);
    expect(intake.progress()).toMatchObject({ received: 500, stored: 500, waiting: 0, waitingBytes: 0 });
  });

  it("splits a flood into transactions of a bounded size", async () => {
    const spool = new ControlledSpool();
    const { intake } = intakeOn(spool, { maxTransactionRecords: 100 });
    for (const each of events(1, 250)) intake.take(each);
    await intake.idle();
    expect(spool.stored.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it("keeps records while the disk refuses, says so once, and stores them in order afterwards", async () => {
    const spool = new ControlledSpool();
    const failure = new SpoolError("disk-full", "the disk is full");
    spool.failure = failure;
    const refused = Promise.withResolvers<void>();
    const said: unknown[] = [];
    const { intake } = intakeOn(spool, {
      onTrouble: (error) => {
        said.push(error);
        refused.resolve();
      },
    });
    for (const each of events(1, 10)) intake.take(each);
    await refused.promise;
    intake.take(event(11));
    spool.failure = undefined;
    await intake.idle();
    expect(spool.stored.flat().map((each) => numbersOf([each])[0])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(said).toEqual([failure, undefined]);
  });

  it("that is full says so once, loses all that follows, and counts it until it is opened again", async () => {
    const spool = new ControlledSpool();
    spool.failure = new SpoolError("full", "the spool has its limit");
    const { intake, said } = intakeOn(spool, { maxBytes: 3000 });
    const taken = events(1, 40).map((each) => intake.take(each));
    const kept = taken.filter((each) => each).length;
    expect(taken).toEqual([...Array(kept).fill(true), ...Array(40 - kept).fill(false)]);
    expect(said.filter((each) => each === "full")).toHaveLength(1);
    expect(intake.progress().lost).toBe(40 - kept);
    spool.failure = undefined;
    await intake.idle();
    expect(intake.take(event(41))).toBe(false);
    expect(intake.reopen()).toEqual({ count: 41 - kept, fromEpochMillis: kept + 1, toEpochMillis: 41 });
    expect(intake.reopen()).toBeUndefined();
    intake.note(event(1000));
    expect(intake.take(event(42))).toBe(true);
    await intake.idle();
    expect(numbersOf(spool.stored.flat()).slice(kept)).toEqual([1000, 42]);
  });

  it("takes the bridge's own records also when it is full", async () => {
    const spool = new ControlledSpool();
    const { intake } = intakeOn(spool, { maxBytes: 300 });
    intake.take(event(1));
    expect(intake.take(event(2))).toBe(false);
    intake.note(event(3));
    await intake.idle();
    expect(numbersOf(spool.stored.flat())).toEqual([1, 3]);
  });
});

describe("the spools' thread", () => {
  const limits = { maxBytes: 64 * MEBIBYTE, maxAgeMillis: DAY_MILLIS, policy: "drop-oldest" } as const;

  it("stores, hands out and deletes records of several spools, byte for byte", async () => {
    using directory = new TemporaryDirectory();
    const thread = new SpoolThread();
    const [first, second] = await Promise.all(
      ["one", "two"].map((feed) => thread.open({ path: join(directory.path, `${feed}.spool`), limits })),
    );
    const bytes = Buffer.from("Event: X\r\nName: \xff\xfe\r\n\r\n", "latin1");
    await first?.append(events(1, 3));
    await second?.append([{ format: "ami", body: bytes, receivedAtEpochMillis: 1.7e12 }]);
    expect(numbersOf((await first?.read(ALL))?.records ?? [])).toEqual([1, 2, 3]);
    const batch = await second?.read(ALL);
    expect(batch?.records).toEqual([{ format: "ami", body: bytes, receivedAtEpochMillis: 1.7e12 }]);
    await first?.acknowledge({ producer: first.measure().producer, position: 2, refused: [] });
    expect(first?.measure()).toMatchObject({ records: 1, acknowledged: 2 });
    await first?.close();
    await expect(first?.read(ALL)).rejects.toMatchObject({ code: "spool.closed" });
    await second?.close();
    await thread.stop();
    await expect(second?.read(ALL)).rejects.toMatchObject({ code: "spool.closed" });
  });

  it("answers with the spool's own errors", async () => {
    using directory = new TemporaryDirectory();
    const thread = new SpoolThread();
    const path = join(directory.path, "pbx.spool");
    const spool = await thread.open({ path, limits });
    await expect(thread.open({ path, limits })).rejects.toMatchObject({
      code: "spool.locked",
      retryable: false,
    });
    await spool.close();
    await (await thread.open({ path, limits })).close();
    await thread.stop();
  });
});
