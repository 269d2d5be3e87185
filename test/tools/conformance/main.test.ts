import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { Recording, withoutLinkedIds } from "../../../tools/conformance/recording.ts";

const root = join(import.meta.dirname, "../../..");
const mixed = join(root, "local/recordings/calls-mixed");
const directory = mkdtempSync(join(tmpdir(), "recording-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** The output of `npm run conformance -- DIRECTORY` for a recording with changed Stasis lines. */
function judge(change: (lines: string[]) => string[]) {
  cpSync(mixed, directory, { recursive: true });
  const lines = change(new Recording(mixed).stasisLines());
  writeFileSync(join(directory, "stasis.ndjson.gz"), gzipSync(lines.join("\n")));
  const { status, stdout } = spawnSync(process.execPath, ["tools/conformance/main.ts", directory], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, stdout };
}

describe("npm run conformance", () => {
  it("compares all other fields of a recording without linked ids", () => {
    const { status, stdout } = judge((lines) => lines.map(withoutLinkedIds));
    expect(stdout).toMatch(
      /Recorded without channelvars=CHANNEL\(linkedid\): 0 differences .* Linkedid is right in 8\d\.\d %/,
    );
    expect([status, stdout.includes("OK: no other difference")]).toEqual([0, true]);
  });

  it("exits with 1 and names the difference when an event is missing", () => {
    const { status, stdout } = judge((lines) =>
      lines.filter((line) => !line.includes('"ChannelStateChange"')),
    );
    expect(stdout).toContain("DIFFERENCE missing: Newstate of channel");
    expect([status, stdout.includes("FAILED")]).toEqual([1, true]);
  });
});
