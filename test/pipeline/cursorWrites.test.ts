import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CursorStore } from "../../shared/aws/cursors.ts";
import { ReferenceStore } from "../../shared/aws/references.ts";
import { FenceLostError } from "../../shared/errors.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { advance, type Cursor, evict, progress, seek, take } from "../../shared/sessions/cursor.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";

const NOW = 1_000_000;
const HELD = { batchLast: undefined, leaseMillis: 20_000, nowEpochMillis: NOW };

/** A session held by a turn, as another writer has read it, and the stores to write it with. */
async function heldSession(relay: TestRelay) {
  const { documents } = relay.relay.clients;
  const references = new ReferenceStore(documents, relay.relay.tableNames.queue, systemClock);
  const cursors = new CursorStore(
    documents,
    relay.relay.tableNames.cursors,
    references,
    randomUUID,
    systemClock,
  );
  await relay.append("pbx", someEvents(25));
  const { id } = await relay.createSession({ feed: "pbx", url: "http://127.0.0.1:9/", from: "head" });
  await relay.changeSession(id, { state: "paused" });
  const paused = await cursors.readCursor("pbx", id);
  if (paused === undefined) throw new Error("no row");
  const read = await cursors.write(paused, take(paused, HELD));
  return { cursors, references, read };
}

/** The holder advances to `next` under its fence, and crosses if `next` lies in another segment. */
async function advanceTo(cursors: CursorStore, row: Cursor, next: number, segment: number): Promise<Cursor> {
  const progressed = progress(row, { next, sentLast: next - 1, lane: "fast", nowEpochMillis: NOW });
  return cursors.write(row, { ...advance(progressed, HELD), segment });
}

/** They are about the rows of single sessions. */
const SETTINGS = { RELAY_SEGMENT_SIZE: "10", RELAY_SWEEP_SECONDS: "3600", RELAY_CURSOR_GROUPS: "0" };

describe("a write based on a row that was read before its holder advanced", () => {
  it("does not take the reference out of the segment that the session has left", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { cursors, references, read } = await heldSession(relay);
    const crossed = await advanceTo(cursors, read, 15, 1);

    await expect(cursors.remove(read)).rejects.toThrow(FenceLostError);
    await expect(cursors.write(read, seek(read, 21, NOW))).rejects.toThrow(FenceLostError);
    // The target is in the segment that was read: no reference would move, and the row alone would go back.
    await expect(cursors.write(read, seek(read, 3, NOW))).rejects.toThrow(FenceLostError);
    expect(await references.counts("pbx")).toEqual(new Map([[1, 1]]));

    await cursors.remove(crossed);
    expect(await references.counts("pbx")).toEqual(new Map());
  });

  it("does not take the row over from a holder that was only slow", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { cursors, read } = await heldSession(relay);
    // The lease has expired when a second turn reads the row. Then the slow holder advances.
    const later = { ...HELD, nowEpochMillis: NOW + HELD.leaseMillis };
    const progressed = progress(read, {
      next: 5,
      sentLast: 4,
      lane: "fast",
      nowEpochMillis: later.nowEpochMillis,
    });
    const advanced = await cursors.write(read, advance(progressed, later));
    await expect(cursors.write(read, take(read, later))).rejects.toThrow(FenceLostError);
    expect(await cursors.readCursor("pbx", read.session)).toMatchObject({ next: 5, fence: read.fence });

    const muchLater = { ...later, nowEpochMillis: later.nowEpochMillis + HELD.leaseMillis };
    expect(await cursors.write(advanced, take(advanced, muchLater))).toMatchObject({
      next: 5,
      fence: read.fence + 1,
    });
  });

  it("does not move the session back to a gap that it has passed", async () => {
    await using relay = await TestRelay.start(SETTINGS);
    const { cursors, read } = await heldSession(relay);
    const advanced = await advanceTo(cursors, read, 9, 0);
    await expect(cursors.write(read, evict(read, 5, NOW))).rejects.toThrow(FenceLostError);
    expect(await cursors.readCursor("pbx", read.session)).toMatchObject({ next: 9, fence: advanced.fence });
    expect(await cursors.write(advanced, evict(advanced, 12, NOW))).toMatchObject({
      next: 12,
      gap: { first: 9, last: 11 },
    });
  });
});
