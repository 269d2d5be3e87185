import { expect, it } from "vitest";
import { pass, pause, resume, seek, suspend } from "../../../shared/groups/groupCursor.ts";
import { mergeRefused } from "../../../shared/groups/mergeRefused.ts";
import { groupCursor, groupOf, NOW } from "./samples.ts";

const accepted = pass(groupCursor({ batchLast: 28 }), { last: 28, sentLast: 28 }, NOW);
const base = groupOf({ a: { batchLast: 28 }, b: {} }, { state: "active", holder: "turn" });
const mine = groupOf({ a: accepted, b: {} }, { state: "active", holder: "turn" });

it("keeps the holder's progress and a person's change of the same session", () => {
  const row = {
    ...base,
    version: 41,
    cursors: { ...base.cursors, a: pause(groupCursor({ batchLast: 28 })) },
  };
  expect(mergeRefused(base, mine, row)).toEqual({
    ...row,
    cursors: { a: { ...accepted, stopped: "paused", revision: 2 }, b: groupCursor() },
  });
});

it("drops the progress of a session that somebody moved", () => {
  const row = { ...base, version: 41, cursors: { ...base.cursors, a: seek(groupCursor(), 3) } };
  expect(mergeRefused(base, mine, row).cursors.a).toEqual(seek(groupCursor(), 3));
});

it("takes new sessions from the row and forgets deleted ones", () => {
  const row = { ...base, version: 41, cursors: { b: groupCursor(), c: groupCursor({ next: 40 }) } };
  expect(mergeRefused(base, mine, row).cursors).toEqual(row.cursors);
});

it("does not undo a person's word on whether the session runs", () => {
  const stopped = suspend(groupCursor(), NOW);
  const row = { ...base, version: 41, cursors: { ...base.cursors, b: resume(groupCursor()) } };
  const merged = mergeRefused(base, groupOf({ a: accepted, b: stopped }), row);
  expect(merged.cursors.b).toMatchObject({ revision: 2, attempts: 1 });
  expect(merged.cursors.b?.stopped).toBeUndefined();
  // Nobody has touched it: it is suspended.
  expect(mergeRefused(base, groupOf({ a: accepted, b: stopped }), base).cursors.b?.stopped).toBe("suspended");
});
