import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const main = join(import.meta.dirname, "../../../tools/cost/main.ts");
const cost = (...options: string[]) => promisify(execFile)(process.execPath, [main, ...options]);

it("prints the month of the given load, as JSON when asked", async () => {
  const options = ["--events-per-second", "20", "--sessions", "3", "--events-per-page", "10"];
  const { stdout } = await cost(...options, "--event-bytes", "800", "--json");
  const report = JSON.parse(stdout);
  expect(report.load).toMatchObject({
    eventsPerSecond: 20,
    sessions: 3,
    eventsPerPage: 10,
    eventBytes: 800,
  });
  const sum = report.parts.reduce((total: number, part: { usd: number }) => total + part.usd, 0);
  expect(report.usd).toBeCloseTo(sum, 9);
  // 20 events a second for 30 days to 3 sessions, $0.09 a gigabyte. 566 bytes of JSON are 692 in a body of ten.
  expect(report.egressUsd).toBeCloseTo(20 * 2_592_000 * 3 * 800 * (692 / 566) * 0.09e-9, 6);
});

it("prints text that a person can read", async () => {
  const { stdout } = await cost("--sessions", "5");
  expect(stdout).toContain("to 5 sessions");
  expect(stdout).toMatch(/Sum +\$\d+\.\d\d/);
});

it.each([
  ["--sessions", "none"],
  ["--sessions", "0"],
  ["--events-per-page", "0"],
  ["--events-per-second", "-1"],
])("refuses %s %s", async (option, value) => {
  await expect(cost(option, value)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("must be a number of at least"),
  });
});
