import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { recordEngine } from "../../local/engines/databaseFile.ts";

it("records an engine's process so that a reader finds the one before or this one, never nothing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stasis-relay-record-"));
  const databaseFile = join(directory, "dynamodb.sqlite");
  const seen = new Set<string>();
  await recordEngine(databaseFile, 1);
  for (let processId = 2; processId <= 300; processId += 1) {
    let isRecorded = false;
    const recorded = recordEngine(databaseFile, processId).then(() => {
      isRecorded = true;
    });
    while (!isRecorded) {
      seen.add(readFileSync(`${databaseFile}.pid`, "utf8"));
      await new Promise(setImmediate);
    }
    await recorded;
  }
  expect([...seen].filter((text) => !/^\d+\n$/.test(text))).toEqual([]);
  await rm(directory, { recursive: true, force: true });
});
