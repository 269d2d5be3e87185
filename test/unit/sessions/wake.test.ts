import { describe, expect, it } from "vitest";
import { FenceLostError } from "../../../shared/errors.ts";
import type { Cursor } from "../../../shared/sessions/cursor.ts";
import { wakeAgain, wakeParked } from "../../../shared/sessions/wake.ts";
import { cursorOf, NOW } from "./samples.ts";

const rows = ["a", "b", "c"].map((session, n) => cursorOf({ session, fence: n + 1 }));
const [a, b, c] = rows;
const clock = { nowEpochMillis: () => NOW, sleep: async () => {} };

/** Records wakes and marks in order. */
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

describe("wakeAgain", () => {
  it("counts the re-sent wakes in the row, which keeps waiting", async () => {
    const written: object[] = [];
    const { parts } = recorded(() => true);
    const cursors = {
      write: async (cursor: Cursor, change: Partial<Cursor>) => {
        written.push(change);
        return { ...cursor, ...change };
      },
    };
    const signalled = { ...cursorOf({ session: "a" }), state: "signalled" as const };
    await wakeAgain({ ...parts, cursors }, [signalled, { ...signalled, wakesRepeated: 2 }]);
    expect(written).toEqual([
      { wakesRepeated: 1, changedAtEpochMillis: NOW },
      { wakesRepeated: 3, changedAtEpochMillis: NOW },
    ]);
  });
});

describe("wakeParked", () => {
  it("sends every wake before it marks a row, and makes the mark conditional on the fence that was read", async () => {
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

  it("leaves a row parked when its wake could not be sent, and fails so that the hint is redelivered", async () => {
    const { parts, happened } = recorded((row) => row !== b);
    await expect(wakeParked(parts, rows)).rejects.toMatchObject({ code: "wake.not-sent", retryable: true });
    expect(happened.filter((each) => each.startsWith("mark"))).toEqual([
      "mark a signalled if parked 1",
      "mark c signalled if parked 3",
    ]);
  });

  it("processes a hundred rows at a time, so that no request times out while it waits for a connection", async () => {
    const many = Array.from({ length: 250 }, (_, n) => cursorOf({ session: `s${n}` }));
    const { parts, happened } = recorded(() => true);
    await wakeParked(parts, many);
    const marksBefore = (sessionId: string) =>
      happened.slice(0, happened.indexOf(`wake ${sessionId}`)).filter((each) => each.startsWith("mark"))
        .length;
    expect([marksBefore("s99"), marksBefore("s100"), marksBefore("s249")]).toEqual([0, 100, 200]);
  });

  it("ignores a mark that deliver has overtaken", async () => {
    const { parts } = recorded(
      () => true,
      (row) => {
        if (row === a) throw new FenceLostError(row);
      },
    );
    await expect(wakeParked(parts, rows)).resolves.toBeUndefined();
  });

  it("fails when the mark fails for any other reason", async () => {
    const { parts } = recorded(
      () => true,
      (row) => {
        if (row === c) throw new Error("throttled");
      },
    );
    await expect(wakeParked(parts, rows)).rejects.toThrow("throttled");
  });
});
