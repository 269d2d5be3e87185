import { describe, expect, it } from "vitest";
import { FenceLostError } from "../../../shared/errors.ts";
import type { Cursor } from "../../../shared/sessions/cursor.ts";
import { wakeParked } from "../../../shared/sessions/wake.ts";
import { cursorOf, NOW } from "./samples.ts";

const rows = ["a", "b", "c"].map((session, n) => cursorOf({ session, fence: n + 1 }));
const [a, b, c] = rows;
const clock = { nowEpochMillis: () => NOW, sleep: async () => {} };

/** Wakes and marks as they happen, in their order. */
function recorded(taken: (row: Cursor) => boolean, onWrite: (row: Cursor) => void = () => {}) {
  const happened: string[] = [];
  return {
    happened,
    parts: {
      clock,
      wakes: {
        sendWakes: async (cursors: readonly Cursor[]) => {
          const woken = cursors.filter(taken);
          happened.push(...woken.map(({ session }) => `wake ${session}`));
          return woken;
        },
      },
      cursors: {
        write: async (cursor: Cursor, change: Partial<Cursor>) => {
          happened.push(`mark ${cursor.session} ${change.state} if ${cursor.state} ${cursor.fence}`);
          onWrite(cursor);
          return { ...cursor, ...change };
        },
      },
    },
  };
}

describe("wakeParked", () => {
  it("sends every wake before it marks a row, and marks on condition of the fence that was read", async () => {
    const { parts, happened } = recorded(() => true);
    await wakeParked(parts, rows);
    expect(happened).toEqual([
      "wake a",
      "wake b",
      "wake c",
      "mark a signalled if parked 1",
      "mark b signalled if parked 2",
      "mark c signalled if parked 3",
    ]);
  });

  it("leaves a row parked whose wake was not taken, and fails so that the hint comes again", async () => {
    const { parts, happened } = recorded((row) => row !== b);
    await expect(wakeParked(parts, rows)).rejects.toMatchObject({ code: "wake.not-sent", retryable: true });
    expect(happened.filter((each) => each.startsWith("mark"))).toEqual([
      "mark a signalled if parked 1",
      "mark c signalled if parked 3",
    ]);
  });

  it("does not mind when deliver was faster than the mark", async () => {
    const { parts } = recorded(
      () => true,
      (row) => {
        if (row === a) throw new FenceLostError(row);
      },
    );
    await expect(wakeParked(parts, rows)).resolves.toBeUndefined();
  });

  it("fails with any other failure of the mark", async () => {
    const { parts } = recorded(
      () => true,
      (row) => {
        if (row === c) throw new Error("throttled");
      },
    );
    await expect(wakeParked(parts, rows)).rejects.toThrow("throttled");
  });
});
