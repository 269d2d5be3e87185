import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Pbx } from "../../bridge/pbx.ts";
import type { PbxIdentity, Source, SourceListener } from "../../bridge/source.ts";
import { SpoolThread } from "../../bridge/spool/spoolThread.ts";
import type { AsyncSpool } from "../../bridge/spool.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { silentLog } from "../../shared/runtime/log.ts";
import { TestDirectory } from "./testBridge.ts";

const PBX: PbxIdentity = {
  startedAtEpochMillis: 1_000,
  version: "23.5.0",
  systemName: undefined,
  entityId: undefined,
};
const thread = new SpoolThread();
afterAll(() => thread.stop());

/** A PBX that does what a test says. */
class TestSource implements Source {
  listener: SourceListener | undefined;

  start(listener: SourceListener): void {
    this.listener = listener;
  }
  cut(): void {}
  async stop(): Promise<void> {}
  async state() {
    const empty = { channels: [], bridges: [], endpoints: [], deviceStates: [] };
    return { pbx: PBX, takenAtEpochMillis: 0, ...empty };
  }
}

function open(directory: TestDirectory): Promise<AsyncSpool> {
  return thread.open({
    path: join(directory.path, "new.spool"),
    limits: { maxBytes: 4 * 2 ** 20, maxAgeMillis: 86_400_000, policy: "drop-oldest" },
  });
}

async function create(spool: AsyncSpool) {
  const main = new TestSource();
  const pbx = await Pbx.create({
    feed: "new",
    main,
    spool,
    client: { appendBody: () => Promise.reject(new Error("nothing is shipped")) },
    clock: systemClock,
    log: silentLog,
    newId: () => "id",
  });
  pbx.start();
  return { pbx, main };
}

/** What the spool holds when the link has come up. */
async function storedAfterLinkUp(directory: TestDirectory): Promise<Record<string, unknown>[]> {
  const { pbx, main } = await create(await open(directory));
  main.listener?.linkUp(PBX);
  await pbx.stop(0);
  const spool = await open(directory);
  const { records } = await spool.read({ records: 100, bytes: 1_000_000 });
  await spool.close();
  return records.map(({ body }) => JSON.parse(body.toString()));
}

describe("the very first start of a PBX's bridge", () => {
  it("reports no gap", async () => {
    using directory = new TestDirectory();
    expect(await storedAfterLinkUp(directory)).toEqual([]);
  });

  it("that is killed before it has stored anything is a gap to the next one", async () => {
    using directory = new TestDirectory();
    const killed = await open(directory);
    await create(killed);
    await killed.close();
    expect(await storedAfterLinkUp(directory)).toMatchObject([
      { type: "RelayGap", reason: "link", code: "bridge-down", epochBefore: null },
    ]);
  });

  it("that ends before the PBX was there has missed nothing", async () => {
    using directory = new TestDirectory();
    const { pbx } = await create(await open(directory));
    await pbx.stop(0);
    expect(await storedAfterLinkUp(directory)).toEqual([]);
  });
});
