import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../bridge/config/readConfig.ts";
import { blocksOf } from "../docs/documents.ts";

const read = (name: string) => readFileSync(new URL(`../../packaging/${name}`, import.meta.url), "utf8");
const example = read("bridge.example.yaml");
const unit = read("stasis-relay-bridge.service");

describe("the example of a configuration", () => {
  it("is read, and has each of the three ways", () => {
    const { pbxs } = readConfig(example, "bridge.example.yaml");
    expect(
      pbxs.map(({ ari, ariOutbound, ami }) => [ari, ariOutbound, ami].map((source) => source !== undefined)),
    ).toEqual([
      [true, false, true],
      [false, true, false],
      [false, false, true],
    ]);
  });

  it("is what the guide shows", () => {
    expect(blocksOf("docs/connect-asterisk.md", "yaml")).toEqual([example]);
  });
});

describe("the systemd unit", () => {
  it("starts again whatever happens, and knows when the bridge is ready", () => {
    for (const line of ["Type=notify", "NotifyAccess=all", "Restart=always", "WatchdogSec=60"])
      expect(unit.split("\n")).toContain(line);
  });

  const isMissing = spawnSync("systemd-analyze", ["--version"]).error !== undefined;
  it.skipIf(isMissing)("is right in systemd's own eyes, and leaves the bridge few rights", () => {
    const folder = mkdtempSync(join(tmpdir(), "stasis-relay-unit-"));
    const path = join(folder, "stasis-relay-bridge.service");
    // The program is not installed here.
    writeFileSync(path, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    const analyze = (...args: string[]) =>
      spawnSync("systemd-analyze", [...args, path], { encoding: "utf8" });
    expect(analyze("verify")).toMatchObject({ status: 0, stdout: "", stderr: "" });
    // 0 is no exposure, and 100 the most.
    expect(analyze("security", "--offline=true", "--threshold=20").status).toBe(0);
    rmSync(folder, { recursive: true });
  });

  it("starts a program that it may read, with a configuration that it may read", () => {
    // The bridge's user is not root: of /etc it reads what all may read, and the credentials.
    expect(unit.split("\n")).toContain("DynamicUser=yes");
    const guide = readFileSync(new URL("../../docs/connect-asterisk.md", import.meta.url), "utf8");
    expect(guide).toMatch(/^sudo install -D -m 644 bridge\.example\.yaml /m);
  });

  it("does not forbid what Node's compiler needs", () => {
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  });
});
