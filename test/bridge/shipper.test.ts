import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Shipper, type ShipperOptions } from "../../bridge/ship/shipper.ts";
import { SpoolThread } from "../../bridge/spool/spoolThread.ts";
import type { AsyncSpool, SpoolRecord } from "../../bridge/spool.ts";
import { RelayClient } from "../../client/index.ts";
import { seededRandom } from "../proof/scheduler.ts";
import { eventually } from "../support/eventually.ts";
import { TestRelay } from "../support/testRelay.ts";
import { DAY_MILLIS, event, events, MEBIBYTE, TemporaryDirectory } from "./support.ts";

let relay: TestRelay;
let front: Front;
let directory: TemporaryDirectory;
let thread: SpoolThread;
let feedNumber = 0;
let feed: string;

beforeAll(async () => {
  relay = await TestRelay.start();
  front = await Front.start(relay.relay.url);
  thread = new SpoolThread();
});

afterAll(async () => {
  await thread.stop();
  await front[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
});

beforeEach(() => {
  directory = new TemporaryDirectory();
  feedNumber += 1;
  feed = `pbx-${feedNumber}`;
  front.misbehave = undefined;
});

afterEach(() => directory[Symbol.dispose]());

type Misbehave = (request: IncomingMessage, response: ServerResponse) => "pass" | "lose-answer" | "done";

/** A proxy in front of the relay that fails as a test says. */
class Front implements AsyncDisposable {
  misbehave: Misbehave | undefined;
  /** Size of every request that reached it. */
  readonly requests: { readonly headers: IncomingMessage["headers"] }[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: string): Promise<Front> {
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      started.requests.push({ headers: request.headers });
      const act = started.misbehave?.(request, response) ?? "pass";
      if (act === "done") return;
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !/^(host|connection|content-length)$/.test(name)),
      ) as Record<string, string>;
      const answer = await fetch(target + request.url, {
        method: "POST",
        headers,
        body: Buffer.concat(chunks),
      });
      const text = await answer.text();
      if (act === "lose-answer") response.destroy();
      else response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const started = new Front(server);
    return started;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

const limits = { maxBytes: 64 * MEBIBYTE, maxAgeMillis: DAY_MILLIS, policy: "drop-oldest" } as const;

function openSpool(name = "pbx"): Promise<AsyncSpool> {
  return thread.open({ path: join(directory.path, `${name}.spool`), limits });
}

function shipperOf(spool: AsyncSpool, options: Partial<ShipperOptions> = {}): Shipper {
  const client = new RelayClient({ url: front.url, apiKey: "local", timeoutMillis: 500 });
  const retryTimes = { firstMillis: 5, mostMillis: 50, repairMillis: 20 };
  return new Shipper({ spool, client, feed, retryTimes, ...options });
}

async function shipAll(spool: AsyncSpool, options: Partial<ShipperOptions> = {}): Promise<Shipper> {
  const shipper = shipperOf(spool, options);
  shipper.start();
  await eventually("an empty spool", () => spool.measure().records === 0);
  await shipper.stop();
  return shipper;
}

async function inFeed(name = feed) {
  const messages: Record<string, unknown>[] = [];
  for (let from = 1; ; ) {
    const page = await relay.messages(name, { from, limit: 1000 });
    for (const message of page.messages) if ("event" in message) messages.push(message.event);
    if (page.next === from) return messages;
    from = page.next;
  }
}

const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

function ami(text: string): SpoolRecord {
  return { format: "ami", body: Buffer.from(text, "latin1"), receivedAtEpochMillis: Date.now() };
}

describe("the shipper", () => {
  it("brings records into the feed in order, full pages at once, compressed", async () => {
    const spool = await openSpool();
    await spool.append(events(1, 1200, 200));
    front.requests.length = 0;
    // A busy machine needs more than half a second for so many.
    const client = new RelayClient({ url: front.url, apiKey: "local", timeoutMillis: 20_000 });
    const shipper = await shipAll(spool, { client });
    expect((await inFeed()).map(({ number }) => number)).toEqual(numbers(1, 1200));
    expect(front.requests).toHaveLength(1);
    expect(front.requests[0]?.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": "application/x-ndjson",
      "relay-position": "1",
      "relay-producer": spool.measure().producer,
    });
    expect(shipper.progress()).toMatchObject({ state: "stopped", shipped: 1200, duplicates: 0, failures: 0 });
    await spool.close();
  });

  it("sends AMI as it came and keeps its order among Stasis records", async () => {
    const spool = await openSpool();
    const name = "Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDName: J\xfcrgen\r\n\r\n";
    await spool.append([event(1), ami(name), ami("Response: Success\r\n\r\n"), ami(name), event(2)]);
    const shipper = await shipAll(spool);
    const { messages } = await relay.messages(feed, { format: "ami" });
    expect(messages).toMatchObject([
      { sequence: 2, type: "Newchannel", base64: Buffer.from(name, "latin1").toString("base64") },
      { sequence: 3 },
    ]);
    expect((await inFeed()).map(({ number }) => number)).toEqual([1, 2]);
    expect(shipper.progress()).toMatchObject({ shipped: 4, refused: 1 });
    expect(spool.measure().refused).toBe(1);
    await spool.close();
  });

  it("keeps what the relay refuses, and the rest of the batch is not held up", async () => {
    const spool = await openSpool();
    const wrong = {
      format: "stasis",
      body: Buffer.from('{"kind":"no type"}'),
      receivedAtEpochMillis: 1,
    } as const;
    const shipper = shipperOf(spool);
    shipper.start();
    for (const records of [[event(1), wrong, event(2)], [wrong], [event(3)]]) {
      await spool.append(records);
      shipper.stored();
      await eventually("an empty spool", () => spool.measure().records === 0);
    }
    await shipper.stop();
    expect((await inFeed()).map(({ number, type }) => number ?? type)).toEqual([1, 2, 3]);
    expect(spool.measure()).toMatchObject({ acknowledged: 4, refused: 2 });
    await spool.close();
  });

  it("through lost answers, refused and hung requests brings every record once and in order", async () => {
    const random = seededRandom(20261127);
    const refuse = (response: ServerResponse, status: number) => {
      response.writeHead(status, { "retry-after": "0" }).end("busy");
      return "done" as const;
    };
    front.misbehave = (_request, response) => {
      const draw = random();
      if (draw < 0.25) return "lose-answer";
      if (draw < 0.35) return refuse(response, 503);
      if (draw < 0.4) return refuse(response, 429);
      if (draw < 0.45) return refuse(response, 401);
      if (draw < 0.5) {
        response.destroy();
        return "done";
      }
      // Never answered: the client's time limit ends it.
      return draw < 0.53 ? "done" : "pass";
    };
    const spool = await openSpool();
    const shipper = shipperOf(spool);
    shipper.start();
    for (let first = 1; first <= 3000; first += 60) {
      await spool.append(events(first, first + 59));
      shipper.stored();
      await eventually("some progress", () => spool.measure().records < 300);
    }
    await eventually("an empty spool", () => spool.measure().records === 0, 60_000);
    await shipper.stop();
    expect((await inFeed()).map(({ number }) => number)).toEqual(numbers(1, 3000));
    expect(shipper.progress()).toMatchObject({ shipped: 3000, conflicts: 0, refused: 0 });
    expect(shipper.progress().failures).toBeGreaterThan(5);
    expect(shipper.progress().duplicates).toBeGreaterThan(0);
    await spool.close();
  }, 120_000);

  it("with a wrong key says so, keeps everything, and ships it when the key is right", async () => {
    let isDenied = true;
    front.misbehave = (_request, response) => {
      if (!isDenied) return "pass";
      response.writeHead(401).end();
      return "done";
    };
    const spool = await openSpool();
    await spool.append(events(1, 10));
    const states: string[] = [];
    const shipper = shipperOf(spool, { onChange: ({ state }) => states.push(state) });
    shipper.start();
    await eventually("the state", () => shipper.progress().state === "denied");
    expect(shipper.progress().lastError).toMatchObject({ status: 401, code: "http.401" });
    expect(spool.measure().records).toBe(10);
    isDenied = false;
    await eventually("an empty spool", () => spool.measure().records === 0);
    await eventually("rest", () => shipper.progress().state === "idle");
    expect(shipper.progress().lastError).toBeUndefined();
    expect(states).toContain("denied");
    await shipper.stop();
    await spool.close();
  });

  it("sends less at once when something on the way takes no large bodies, and puts aside what never fits", async () => {
    front.misbehave = (request, response) => {
      if (Number(request.headers["content-length"]) < 2000) return "pass";
      response.writeHead(413).end();
      return "done";
    };
    const spool = await openSpool();
    const incompressible = Buffer.from(
      JSON.stringify({ type: "Large", noise: Array.from({ length: 400 }, () => Math.random()).join() }),
    );
    const shipper = shipperOf(spool);
    shipper.start();
    await spool.append([...events(1, 2000), { ...event(0), body: incompressible }, ...events(2001, 2010)]);
    shipper.stored();
    await eventually("an empty spool", () => spool.measure().records === 0);
    await shipper.stop();
    expect((await inFeed()).map(({ number }) => number)).toEqual(numbers(1, 2010));
    expect(shipper.progress()).toMatchObject({ refused: 1, conflicts: 0 });
    await spool.close();
  });

  it("from a copied spool takes a new name when the relay mistakes its events for the original's", async () => {
    const original = await openSpool("original");
    await original.append(events(1, 10));
    await shipAll(original);
    await original.close();
    copyFileSync(join(directory.path, "original.spool"), join(directory.path, "copy.spool"));
    const again = await openSpool("original");
    await again.append(events(11, 20));
    await shipAll(again);
    await again.close();

    const copy = await openSpool("copy");
    const shipper = shipperOf(copy);
    shipper.start();
    await copy.append(events(101, 105));
    shipper.stored();
    await eventually("an empty spool", () => copy.measure().records === 0);
    await shipper.stop();
    expect((await inFeed()).map(({ number, reason }) => number ?? reason)).toEqual([
      ...numbers(1, 20),
      "producer-conflict",
      ...numbers(101, 105),
    ]);
    expect(shipper.progress().conflicts).toBe(1);
    await copy.close();
  });

  it("keeps its records when one name after the other is taken for somebody else's", async () => {
    const spool = await openSpool();
    const appendBody = async () => ({
      first: 1,
      last: 1,
      accepted: 0,
      duplicates: spool.measure().records,
      refused: [],
    });
    const shipper = shipperOf(spool, { client: { appendBody } });
    shipper.start();
    await spool.append(events(1, 5));
    shipper.stored();
    await eventually("several requests", () => shipper.progress().requests >= 4);
    expect(shipper.progress()).toMatchObject({
      state: "misconfigured",
      conflicts: 1,
      shipped: 0,
      lastError: { code: "producer.position-conflict" },
    });
    expect(spool.measure().records).toBe(6);
    await shipper.stop();
    await spool.close();
  });

  it("takes a new name when its positions contradict the relay's memory", async () => {
    const spool = await openSpool();
    const { producer } = spool.measure();
    const client = new RelayClient({ url: relay.relay.url, apiKey: "local" });
    await client.append(feed, [{ type: "Stranger" }], { producer, position: 1000 });
    await spool.append(events(1, 5));
    await shipAll(spool);
    expect((await inFeed()).map(({ number, reason, type }) => number ?? reason ?? type)).toEqual([
      "Stranger",
      "producer-conflict",
      ...numbers(1, 5),
    ]);
    await spool.close();
  });

  it("tries rarely, and loses nothing, when something else than a relay answers", async () => {
    let isRelay = false;
    front.misbehave = (_request, response) => {
      if (isRelay) return "pass";
      response.writeHead(200, { "content-type": "application/json" }).end('{"login":"please"}');
      return "done";
    };
    const spool = await openSpool();
    await spool.append(events(1, 5));
    const shipper = shipperOf(spool);
    shipper.start();
    await eventually("the state", () => shipper.progress().state === "misconfigured");
    expect(spool.measure().records).toBe(5);
    isRelay = true;
    await eventually("an empty spool", () => spool.measure().records === 0);
    expect((await inFeed()).map(({ number }) => number)).toEqual(numbers(1, 5));
    await shipper.stop();
    await spool.close();
  });

  it("reports a loss by the limits once: the relay adds no gap of its own", async () => {
    const spool = await thread.open({
      path: join(directory.path, "small.spool"),
      limits: { ...limits, maxBytes: 4 * MEBIBYTE },
    });
    for (let first = 1; first <= 1000; first += 50) await spool.append(events(first, first + 49, 10_000));
    const shipper = await shipAll(spool);
    const gaps = (await inFeed()).filter(({ type }) => type === "RelayGap");
    expect(gaps).toMatchObject([{ reason: "spool-full", count: spool.measure().dropped }]);
    expect(shipper.progress().conflicts).toBe(0);
    await spool.close();
  });
});

it("a process killed at any moment loses nothing that it stored, and doubles nothing", async () => {
  const random = seededRandom(11);
  const path = join(directory.path, "killed.spool");
  const start = (first: number, count: number) =>
    spawn(
      process.execPath,
      [join(import.meta.dirname, "spoolProcess.ts"), path, relay.relay.url, String(first), String(count)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
  const stored: number[] = [];
  const kills = 15;
  for (let kill = 1; kill <= kills; kill += 1) {
    const first = kill * 100_000;
    const child = start(first, 50_000);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await once(child.stdout, "data");
    await pause(random() * 400);
    child.kill("SIGKILL");
    await once(child, "close");
    const last = Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1));
    stored.push(...numbers(first, last));
  }
  const rest = start(1, 0);
  expect(await once(rest, "close")).toEqual([0, null]);
  const found = (await inFeed("pbx")).map(({ number }) => Number(number));
  expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
  const inQueue = new Set(found);
  expect(stored.filter((number) => !inQueue.has(number))).toEqual([]);
  expect(stored.length).toBeGreaterThan(kills * 10);
  expect((await inFeed("pbx")).filter(({ type }) => type === "RelayGap")).toEqual([]);
}, 180_000);
