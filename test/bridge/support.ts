import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenSpoolOptions, type OpenSpoolParts, openSpool } from "../../bridge/spool/openSpool.ts";
import type { Spool, SpoolRecord } from "../../bridge/spool.ts";

export const MEBIBYTE = 1024 * 1024;
export const DAY_MILLIS = 24 * 3_600_000;

/** A directory that goes away with the test. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "spool-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Clocks that a test sets. */
export class TestClocks {
  wall = Date.parse("2026-11-27T08:00:00Z");
  monotonic = 1000;
  readonly nowEpochMillis = () => this.wall;
  readonly monotonicMillis = () => this.monotonic;

  pass(millis: number): void {
    this.wall += millis;
    this.monotonic += millis;
  }
}

let names = 0;

export function open(
  path: string,
  options: Partial<OpenSpoolOptions & OpenSpoolOptions["limits"]> = {},
  parts: Partial<OpenSpoolParts> = {},
): Spool {
  const {
    maxBytes = 64 * MEBIBYTE,
    maxAgeMillis = 7 * DAY_MILLIS,
    policy = "drop-oldest",
    maxFileBytes,
  } = options;
  return openSpool(
    {
      path,
      limits: { maxBytes, maxAgeMillis, policy },
      ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
    },
    {
      clocks: new TestClocks(),
      processId: process.pid,
      newName: () => {
        names += 1;
        return `name-${names}`;
      },
      onCorrupt: () => {},
      ...parts,
    },
  );
}

/** An event with a number, padded to a size. */
export function event(number: number, bytes = 0, receivedAtEpochMillis = number): SpoolRecord {
  const pad = "x".repeat(bytes);
  return {
    format: "stasis",
    body: Buffer.from(JSON.stringify({ type: "Numbered", number, pad })),
    receivedAtEpochMillis,
  };
}

export function events(first: number, last: number, bytes = 0): SpoolRecord[] {
  return Array.from({ length: last - first + 1 }, (_, index) => event(first + index, bytes));
}

export const ALL = { records: 10_000, bytes: 100 * MEBIBYTE };

export function bodyOf({ body }: SpoolRecord): Record<string, unknown> {
  return JSON.parse(body.toString());
}

export function numbersOf(records: readonly SpoolRecord[]): unknown[] {
  return records.map((record) => bodyOf(record).number);
}

/** Hands everything out as the shipper does, and acknowledges it. */
export function drain(spool: Spool): SpoolRecord[] {
  const all: SpoolRecord[] = [];
  for (;;) {
    const { producer, position, records } = spool.read(ALL);
    if (records.length === 0) return all;
    all.push(...records);
    spool.acknowledge({ producer, position: position + records.length - 1, refused: [] });
  }
}
