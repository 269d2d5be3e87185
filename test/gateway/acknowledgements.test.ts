import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Acknowledgements } from "../../gateway/server/acknowledgements.ts";
import {
  queueKey,
  type ReadSendQueues,
  readSendQueues,
  type SendQueue,
} from "../../gateway/server/sendQueues.ts";
import { eventually } from "../support/eventually.ts";
import { ManualClock } from "../support/manualClock.ts";

/** Both ends of a TCP connection of this machine. */
async function connection(host = "127.0.0.1", to = host): Promise<{ ours: Socket; client: Socket }> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect((server.address() as AddressInfo).port, to);
  const [[ours]] = (await Promise.all([accepted, once(client, "connect")])) as [[Socket], unknown];
  server.close();
  for (const socket of [ours, client]) socket.on("error", () => {});
  onTestFinished(() => {
    ours.destroy();
    client.destroy();
  });
  return { ours, client };
}

/** A watch whose kernel says what the test sets; each pass of time is one look. */
async function watched() {
  const { ours, client } = await connection();
  client.resume();
  const clock = new ManualClock();
  const kernel = { queue: undefined as SendQueue | undefined, hasTable: true, reads: 0 };
  const read: ReadSendQueues = async (keys) => {
    kernel.reads += 1;
    if (!kernel.hasTable) return undefined;
    return new Map([...keys].flatMap((key) => (kernel.queue ? [[key, kernel.queue]] : [])));
  };
  const warnings: string[] = [];
  const log = { info: () => {}, warn: (message: string) => void warnings.push(message), error: () => {} };
  const acknowledgements = new Acknowledgements({ read, clock, log, stalledAfterMillis: 30_000 });
  onTestFinished(() => acknowledgements.stop());
  const confirmed: number[] = [];
  let stalls = 0;
  const sent = acknowledgements.watch(ours, {
    onConfirmed: (next) => void confirmed.push(next),
    onStalled: () => {
      stalls += 1;
    },
  });
  const write = async (next: number, bytes: number) => {
    const before = sent.written;
    sent.write(Buffer.alloc(bytes));
    sent.mark(next);
    await eventually("the kernel has it", () => sent.written === before + bytes);
  };
  /** Looks so often, every two seconds. */
  const look = async (times = 1) => {
    for (let time = 0; time < times; time += 1) {
      const before = kernel.reads;
      clock.pass(2_000);
      await eventually("the look", () => !sent.isWaiting || kernel.reads > before);
      await new Promise(setImmediate);
    }
  };
  return { ours, client, kernel, confirmed, warnings, write, look, stalls: () => stalls };
}

const queued = (unacknowledged: number, inode = "1"): SendQueue => ({
  unacknowledged,
  isFinished: false,
  inode,
});

describe("a durable position", () => {
  it("follows what the client's TCP has acknowledged", async () => {
    const { kernel, confirmed, write, look } = await watched();
    kernel.queue = queued(100);
    await write(2, 100);
    await look(3);
    expect(confirmed).toEqual([]);
    await write(3, 50);
    kernel.queue = queued(50);
    await look();
    expect(confirmed).toEqual([2]);
    kernel.queue = queued(0);
    await look();
    expect(confirmed).toEqual([2, 3]);
  });

  it("stays while the connection is not found, or another has its addresses", async () => {
    const { kernel, confirmed, write, look, client, ours } = await watched();
    kernel.queue = queued(100);
    await write(2, 100);
    await look();
    kernel.queue = undefined;
    client.write("Action: Ping\r\n\r\n");
    await eventually("the input", () => ours.bytesRead > 0);
    await look(10);
    kernel.queue = queued(0, "2");
    await look(10);
    expect(confirmed).toEqual([]);
    kernel.queue = queued(0);
    await look();
    expect(confirmed).toEqual([2]);
  });

  it("costs no read while nothing waits to be acknowledged", async () => {
    const { kernel, write, look } = await watched();
    kernel.queue = queued(0);
    await write(2, 100);
    await look();
    expect(kernel.reads).toBe(1);
    await look(5);
    expect(kernel.reads).toBe(1);
  });

  it("whose client acknowledges nothing for the write timeout is given up; one that acknowledges slowly is not", async () => {
    const { kernel, write, look, stalls } = await watched();
    kernel.queue = queued(100_000);
    await write(2, 100_000);
    for (let left = 90_000; left >= 60_000; left -= 10_000) {
      await look(10);
      kernel.queue = queued(left);
    }
    await look(1);
    expect(stalls()).toBe(0);
    await look(14);
    expect(stalls()).toBe(0);
    await look(1);
    expect(stalls()).toBe(1);
  });

  it("without the kernel's word follows only input that came five seconds after the bytes", async () => {
    const { kernel, confirmed, warnings, write, look, client, ours, stalls } = await watched();
    kernel.hasTable = false;
    const ask = async () => {
      const before = ours.bytesRead;
      client.write("Action: Ping\r\n\r\n");
      await eventually("the input", () => ours.bytesRead > before);
    };
    ours.resume();
    await write(2, 100);
    await look(2);
    await ask();
    await look(30);
    expect(confirmed).toEqual([]);
    await ask();
    await look();
    expect(confirmed).toEqual([2]);
    expect(stalls()).toBe(0);
    expect(warnings).toEqual([
      "this system does not tell what AMI clients have acknowledged; positions follow what clients send",
    ]);
  });
});

describe.runIf(process.platform === "linux")("Linux's tables of connections", () => {
  const queueOf = async (socket: Socket) => {
    const key = queueKey(socket) ?? "";
    return (await readSendQueues(new Set([key])))?.get(key);
  };

  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::", "127.0.0.1"],
    ["::", "::1"],
  ])("have connections to a server at %s from a client of %s", async (host, to) => {
    const { ours, client } = await connection(host, to);
    const [one, other] = [await queueOf(ours), await queueOf(client)];
    expect([one, other]).toMatchObject([
      { unacknowledged: 0, isFinished: false },
      { unacknowledged: 0, isFinished: false },
    ]);
    expect(one?.inode).not.toBe(other?.inode);
  });

  it("tell what a client has not acknowledged, whose buffers are full", async () => {
    const { ours, client } = await connection();
    client.pause();
    ours.write(Buffer.alloc(32 * 1024 * 1024));
    await eventually("the queue is long", async () => ((await queueOf(ours))?.unacknowledged ?? 0) > 10_000);
    client.resume();
    await eventually("the queue is empty", async () => (await queueOf(ours))?.unacknowledged === 0);
  });

  it("that always show empty queues are not believed, as gVisor's, which show no congestion window either", async () => {
    const { ours } = await connection();
    const key = queueKey(ours) ?? "";
    const directory = await mkdtemp(join(tmpdir(), "tables-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const table = join(directory, "tcp");
    const line = (queue: string, window: number) =>
      `   0: ${key} 01 ${queue}:00000000 00:00000000 00000000     0        0 77 1 0x0 0 0 0 ${window} -1\n`;
    await writeFile(table, line("00000000", 0));
    expect(await readSendQueues(new Set([key]), [table])).toEqual(new Map());
    await writeFile(table, line("0000000A", 10));
    const found = { unacknowledged: 10, isFinished: false, inode: "77" };
    expect(await readSendQueues(new Set([key]), [table])).toEqual(new Map([[key, found]]));
    expect(await readSendQueues(new Set([key]), [join(directory, "none")])).toBeUndefined();
  });

  it("tell that a closed connection's end was acknowledged, and have no reset one", async () => {
    const { ours, client } = await connection();
    const key = queueKey(ours) ?? "";
    client.resume();
    ours.resume();
    ours.end("Goodbye");
    await once(ours, "close");
    expect((await readSendQueues(new Set([key])))?.get(key)?.isFinished).toBe(true);
    const reset = await connection();
    const resetKey = queueKey(reset.ours) ?? "";
    reset.ours.resume();
    reset.client.resetAndDestroy();
    await eventually("the connection is closed", () => reset.ours.closed);
    expect((await readSendQueues(new Set([resetKey])))?.get(resetKey)).toBeUndefined();
  });
});

it("an address is named as in Linux's tables, and a closed socket has no name", () => {
  expect(
    queueKey({
      localAddress: "fe80::1%eth0",
      localPort: 5038,
      remoteAddress: "fe80::a00:ff",
      remotePort: 80,
    }),
  ).toBe("000080FE000000000000000001000000:13AE 000080FE0000000000000000FF00000A:0050");
  expect(
    queueKey({ localAddress: "10.0.0.1", localPort: 5038, remoteAddress: "10.0.0.2", remotePort: 65535 }),
  ).toBe("0100000A:13AE 0200000A:FFFF");
  expect(queueKey(new Socket())).toBeUndefined();
});
