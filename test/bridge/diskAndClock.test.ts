import { closeSync, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RelayCallError } from "../../client/index.ts";
import { freePort } from "../../local/freePort.ts";
import { AriPbx } from "../support/asterisk/ariPbx.ts";
import { BridgeProcess } from "../support/bridgeProcess.ts";
import { eventually } from "../support/eventually.ts";
import { RelayProcess } from "../support/relayProcess.ts";
import { mayMount, SmallDisk } from "../support/smallDisk.ts";
import { ari, configFile, linesOf, megabytesOf, troublesOf } from "./oneProcess.ts";
import { TestDirectory } from "./testBridge.ts";

const FEED = "office";
const PATIENCE_MILLIS = 60_000;
/** The bridge, the relay and the PBX are started here, and a bridge tries a spool again every 15 seconds. */
const TIMEOUT = { timeout: 180_000 };

const CLOCK = new URL("../support/movedClock.mjs", import.meta.url).href;
const FAILING_THREAD = new URL("../support/failingThread.mjs", import.meta.url).href;
const HOUR_MILLIS = 3_600_000;

/** A bridge whose relay is away, and its PBX. */
class Office implements AsyncDisposable {
  readonly directory: TestDirectory;
  readonly pbx: AriPbx;
  readonly relayPort: number;
  readonly outsidePort: number;
  readonly config: string;
  #relay: RelayProcess | undefined;

  private constructor(directory: TestDirectory, pbx: AriPbx, relayPort: number, outsidePort: number) {
    this.directory = directory;
    this.pbx = pbx;
    this.relayPort = relayPort;
    this.outsidePort = outsidePort;
    const relayUrl = `http://127.0.0.1:${relayPort}`;
    this.config = configFile(directory, relayUrl, [ari(FEED, pbx.url)], outsidePort);
  }

  static async open(): Promise<Office> {
    const pbx = await AriPbx.start({ writeTimeoutMillis: 60_000 });
    return new Office(new TestDirectory(), pbx, await freePort(), await freePort());
  }

  get spools(): string {
    return join(this.directory.path, "spool");
  }

  /** Emits the events of these numbers, in pieces that a PBX could send. */
  async emit(first: number, last: number): Promise<void> {
    for (let n = first; n <= last; n += 1) {
      this.pbx.emit(JSON.stringify({ type: "ChannelUserevent", n, filler: "x".repeat(900) }));
      if (n % 100 === 0) await pause(5);
    }
  }

  async startRelay(): Promise<void> {
    this.#relay = await RelayProcess.start(this.relayPort, {
      RELAY_DATA_DIR: join(this.directory.path, "relay"),
    });
  }

  /** What the feed has, without snapshots: the numbers of events, and the reasons of gaps. */
  async feed(): Promise<(number | string)[]> {
    const all: (number | string)[] = [];
    for (let from = 1; ; from += 1_000) {
      const messages = await this.#messages(from);
      for (const message of messages) {
        const { type, n, reason } = "event" in message ? (message.event as Record<string, unknown>) : {};
        if (type === "ChannelUserevent") all.push(Number(n));
        if (type === "RelayGap") all.push(String(reason));
      }
      if (messages.length < 1_000) return all;
    }
  }

  /** The times of the gaps. */
  async gaps(): Promise<{ from: string; to: string }[]> {
    const messages = await this.#messages(1);
    return messages.flatMap((message) => {
      const { type, from, to } = "event" in message ? (message.event as Record<string, unknown>) : {};
      return type === "RelayGap" ? [{ from: String(from), to: String(to) }] : [];
    });
  }

  async #messages(from: number) {
    try {
      const page = await this.#relay?.client.messages(FEED, { from, limit: 1_000, format: "stasis" });
      return page?.messages ?? [];
    } catch (error) {
      if (error instanceof RelayCallError && error.code === "feed.unknown") return [];
      throw error;
    }
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.outsidePort}/metrics`)).text();
    return Number(new RegExp(`^stasis_relay_bridge_${name}\\{feed="${FEED}"\\} (.+)$`, "m").exec(text)?.[1]);
  }

  async ready(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.outsidePort}/ready`)).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.end("SIGKILL");
    await this.pbx[Symbol.asyncDispose]();
    this.directory[Symbol.dispose]();
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

// A file system of a few megabytes is mounted, which takes root's rights.
describe.skipIf(!mayMount)("a bridge whose disk", TIMEOUT, () => {
  it("is full says so once, holds a bounded part in memory, cuts the link, and goes on when there is room", async () => {
    await using office = await Office.open();
    using disk = SmallDisk.mount(office.spools, "size=4m");
    await using bridge = new BridgeProcess(office.config);
    await bridge.until("connected to the PBX");
    const before = megabytesOf(bridge);

    await office.emit(1, 6_000);
    await bridge.until("events cannot be stored; they wait in memory");
    expect(await office.ready()).toContain("the disk is full");
    const [full] = troublesOf(bridge, FEED).filter(({ message }) => message.startsWith("events cannot"));
    expect(full?.error).toContain("office.spool: the disk is full");
    expect(await office.metric("link_up")).toBe(1);

    // As much as the memory takes, and more.
    await office.emit(6_001, 50_000);
    await bridge.until("events come faster than they can be stored: the link is cut");
    expect(megabytesOf(bridge) - before).toBeLessThan(100);

    disk.remount("size=256m");
    await bridge.until("events are stored again");
    await eventually("the link", async () => (await office.metric("link_up")) === 1, PATIENCE_MILLIS);
    await eventually("an end of the flood", async () => (await office.metric("spool_up")) === 1);
    await office.startRelay();
    const last = 50_001;
    await office.emit(last, last);
    const feed = await eventually(
      "the last event",
      async () => {
        const all = await office.feed();
        return all.includes(last) && all;
      },
      PATIENCE_MILLIS,
    );
    // What the memory took, then the gap, then what came after.
    const kept = feed.indexOf("reader-too-slow");
    expect(kept).toBeGreaterThan(20_000);
    expect(feed.slice(0, kept)).toEqual(upTo(kept));
    expect(feed.filter((entry) => typeof entry === "string")).toEqual(["reader-too-slow"]);
    expect(
      troublesOf(bridge, FEED).filter(({ message }) => message.startsWith("events cannot")),
    ).toHaveLength(1);
    expect(await bridge.end("SIGTERM")).toEqual([0, null]);
  });

  it("is read-only at the start says so once, and works as soon as it can be written", async () => {
    await using office = await Office.open();
    using disk = SmallDisk.mount(office.spools, "size=64m,ro");
    await using bridge = new BridgeProcess(office.config);
    await bridge.until("this PBX cannot be started yet; the others run");
    expect(troublesOf(bridge, FEED)[0]?.error).toContain(office.spools);
    // The bridge listens once it has tried each PBX.
    const isReported = async () => (await office.ready().catch(() => "")).includes(office.spools);
    await eventually("the reason in /ready", isReported);

    disk.remount("rw");
    await eventually(
      "another attempt",
      () => linesOf(bridge, FEED).some(({ message }) => message === "connected to the PBX"),
      PATIENCE_MILLIS,
    );
    await office.emit(1, 100);
    await office.startRelay();
    await eventually("all", async () => (await office.feed()).length === 100, PATIENCE_MILLIS);
    expect(await office.feed()).toEqual(upTo(100));
    expect(troublesOf(bridge, FEED).filter(({ message }) => message.startsWith("this PBX"))).toHaveLength(1);
    expect(await bridge.end("SIGTERM")).toEqual([0, null]);
  });
});

describe("a bridge whose spool", TIMEOUT, () => {
  it("is damaged in its middle finds out when it reads it, moves it aside, reports a gap, and goes on", async () => {
    await using office = await Office.open();
    await using first = new BridgeProcess(office.config);
    await first.until("connected to the PBX");
    await office.emit(1, 2_000);
    await eventually("the events in the spool", async () => (await office.metric("spooled_total")) >= 2_000);
    expect(await first.end("SIGTERM")).toEqual([0, null]);
    const path = join(office.spools, "office.spool");
    const file = openSync(path, "r+");
    const { size } = statSync(path);
    // The head stays, so that the file opens.
    for (let at = 64 * 1024; at < size; at += 4096) writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, at);
    closeSync(file);

    await office.startRelay();
    await using second = new BridgeProcess(office.config);
    await second.until("connected to the PBX");
    await office.emit(2_001, 2_001);
    const feed = await eventually("the event", async () => {
      const all = await office.feed();
      return all.includes(2_001) && all;
    });
    expect(feed).toContain("spool-corrupt");
    const numbers = feed.filter((entry) => typeof entry === "number");
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    // The loss of the old events is reported before the new one.
    expect(feed.indexOf("spool-corrupt")).toBeLessThan(feed.indexOf(2_001));
    const moved = linesOf(second, FEED).filter(({ message }) => message.startsWith("the spool was damaged"));
    expect(moved).toHaveLength(1);
    expect(moved[0]?.error).toContain(path);
    expect(readdirSync(office.spools).some((name) => name.startsWith("office.spool-corrupt-"))).toBe(true);
    expect(await second.end("SIGTERM")).toEqual([0, null]);
  });
});

describe("a bridge whose spools' thread", TIMEOUT, () => {
  it("fails ends at once and says why, so that the next one goes on with what was stored", async () => {
    await using office = await Office.open();
    const file = join(office.directory.path, "fail");
    await using first = new BridgeProcess(office.config, {
      NODE_OPTIONS: `--import ${FAILING_THREAD}`,
      THREADS_FAIL_FILE: file,
    });
    await first.until("connected to the PBX");
    await office.emit(1, 100);
    await eventually("the events in the spool", async () => (await office.metric("spooled_total")) >= 100);
    writeFileSync(file, "");
    expect(await first.ended).toEqual([1, null]);
    expect(first.output).toContain("it can store nothing any more");
    expect(first.output).toContain("this thread has failed");

    await using second = new BridgeProcess(office.config);
    await second.until("connected to the PBX");
    await office.startRelay();
    await office.emit(101, 101);
    await eventually("the last one", async () => (await office.feed()).includes(101));
    const feed = await office.feed();
    expect(feed.filter((entry) => typeof entry === "string")).toEqual(["link"]);
    expect(feed.slice(0, 90)).toEqual(upTo(90));
  });
});

describe("a bridge whose clock", TIMEOUT, () => {
  it("jumps a month ahead and two back drops nothing, keeps its links, and reports gaps that hold the time", async () => {
    await using office = await Office.open();
    const file = join(office.directory.path, "ahead");
    const ahead = (millis: number) => writeFileSync(file, String(millis));
    ahead(0);
    const environment = { NODE_OPTIONS: `--import ${CLOCK}`, CLOCK_AHEAD_FILE: file };
    await using bridge = new BridgeProcess(office.config, environment);
    await bridge.until("connected to the PBX");
    await office.emit(1, 50);
    await eventually("the first", async () => (await office.metric("received_total")) === 50);
    ahead(30 * 24 * HOUR_MILLIS);
    await office.emit(51, 100);
    await eventually("the second", async () => (await office.metric("received_total")) === 100);
    ahead(-30 * 24 * HOUR_MILLIS);
    await office.emit(101, 150);
    await eventually("the third", async () => (await office.metric("received_total")) === 150);
    expect(await office.metric("dropped_total")).toBe(0);
    expect(await office.metric("reconnects_total")).toBe(0);
    expect(await office.metric("spool_oldest_age_seconds")).toBeGreaterThanOrEqual(0);

    // The link is lost and comes back an hour before that.
    office.pbx.cut();
    ahead(-30 * 24 * HOUR_MILLIS - HOUR_MILLIS);
    await eventually(
      "the link",
      async () => (await office.metric("reconnects_total")) === 1,
      PATIENCE_MILLIS,
    );
    await office.emit(151, 200);
    await eventually("the fourth", async () => (await office.metric("received_total")) === 200);
    expect(await bridge.end("SIGTERM")).toEqual([0, null]);
    // The next process begins with a clock that is a day behind that.
    ahead(-31 * 24 * HOUR_MILLIS);
    await using next = new BridgeProcess(office.config, environment);
    await next.until("connected to the PBX");
    await office.startRelay();
    await office.emit(201, 250);
    await eventually("the last one", async () => (await office.feed()).includes(250), PATIENCE_MILLIS);
    const feed = await office.feed();
    expect(feed.filter((entry) => typeof entry === "number")).toEqual(upTo(250));
    expect(feed.filter((entry) => typeof entry === "string")).toEqual(["link", "link"]);
    expect(await office.metric("dropped_total")).toBe(0);
    for (const { from, to } of await office.gaps()) expect(Date.parse(to)).toBeGreaterThan(Date.parse(from));
    for (const process of [bridge, next])
      expect(troublesOf(process, FEED).map(({ message }) => message)).not.toContain(
        "this PBX cannot be started yet; the others run",
      );
  });
});
