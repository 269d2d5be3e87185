import { expect, it } from "vitest";
import { formatSummary, type SessionResult, summarize } from "../../local/demo/summary.ts";

const good: SessionResult = {
  name: "wallboard",
  expected: 453,
  delivered: 453,
  lost: 0,
  doubled: 0,
  outOfOrder: 0,
  altered: 0,
  redeliveries: 0,
  badSignatures: 0,
  seconds: 1.25,
  settled: true,
};
const all = { accepted: 453, refused: 0 };

it("is ok when every session has everything, even with redeliveries", () => {
  const summary = summarize(453, all, [good, { ...good, name: "slow", redeliveries: 2 }]);
  expect(summary).toMatchObject({ ok: true, problems: [] });
  expect(formatSummary(summary)).toContain("OK: all 453 events");
});

it.each<[string, Partial<SessionResult>]>([
  ["slow: 1 lost", { lost: 1, delivered: 452 }],
  ["slow: 3 lost", { expected: 450, delivered: 450 }],
  ["slow: 2 doubled", { doubled: 2 }],
  ["slow: 3 out of order", { outOfOrder: 3 }],
  ["slow: 4 altered", { altered: 4 }],
  ["slow: 5 with a bad signature", { badSignatures: 5 }],
  ["slow: the relay does not say that it has read everything", { settled: false }],
])("is not ok because of %s", (problem, change) => {
  const summary = summarize(453, all, [good, { ...good, name: "slow", ...change }]);
  expect(summary).toMatchObject({ ok: false, problems: [problem] });
  expect(formatSummary(summary)).toContain(`FAILED:\n  ${problem}`);
});

it("is not ok when events were refused or never sent, or when there was nothing to check", () => {
  const sessions = [{ ...good, expected: 452, delivered: 452 }];
  expect(summarize(453, { accepted: 452, refused: 1 }, sessions)).toMatchObject({
    ok: false,
    problems: ["1 events were refused", "only 452 of 453 events were accepted"],
  });
  expect(summarize(453, all, []).ok).toBe(false);
  expect(summarize(0, { accepted: 0, refused: 0 }, [{ ...good, expected: 0, delivered: 0 }]).ok).toBe(false);
});
