import { readFileSync } from "node:fs";
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

  it("does not forbid what Node's compiler needs", () => {
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  });
});
