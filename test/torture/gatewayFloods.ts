import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { AmiClient } from "../support/amiClient.ts";
import { eventually } from "../support/eventually.ts";
import { FEED, type GatewayUnderTest, startTestGateway } from "../support/gatewayUnderTest.ts";
import { randomByName } from "../support/randomness.ts";
import { type MemoryReport, MemorySamples } from "./memory.ts";

export interface FloodsOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly connectsPerMinute: number;
  readonly samplesPerSecond: number;
}

export interface FloodsReport {
  readonly attacks: Readonly<Record<string, number>>;
  /** Logins of a legitimate client during the flood. */
  readonly logins: number;
  readonly slowestLoginMillis: number;
  /** The slowest way of an event to a client that was logged in all the time. */
  readonly slowestEventMillis: number;
  readonly memory: MemoryReport;
  readonly problems: readonly string[];
}

/** Attackers have addresses of their own, as limits are by address. */
const ATTACKERS = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];

/** A hostile socket that has not been closed by the gateway closes itself after this. */
const LONGEST_ATTACK_MILLIS = 20_000;

const PADDING = "x".repeat(900);

type Attack = (socket: Socket, bytes: (count: number) => Buffer) => void;

/** What a hostile client does once it is connected. */
const ATTACKS: Readonly<Record<string, Attack>> = {
  "says nothing": () => {},
  "sends noise": (socket, bytes) => void socket.write(bytes(4_096)),
  "sends a line without an end": (socket) => void socket.write(PADDING.repeat(50)),
  "sends headers without an end": (socket) => void socket.write(`X: ${PADDING}\r\n`.repeat(200)),
  "logs in slowly": (socket) => {
    const text = "Action: Login\r\nUsername: ami\r\n";
    let sent = 0;
    const timer = setInterval(() => socket.write(text[sent++ % text.length] ?? ""), 500);
    socket.once("close", () => clearInterval(timer));
  },
  "logs in wrongly": (socket) =>
    void socket.write("Action: Login\r\nUsername: nobody\r\nSecret: guess\r\n\r\n"),
  "asks for challenges": (socket) =>
    void socket.write("Action: Challenge\r\nAuthType: MD5\r\n\r\n".repeat(1_000)),
  "goes at once": (socket) => void socket.resetAndDestroy(),
};

/** Floods a gateway with hostile connections, while legitimate clients log in and get their events. */
export async function floodGateway(options: FloodsOptions): Promise<FloodsReport> {
  const { seconds, seed, connectsPerMinute, samplesPerSecond } = options;
  const random = randomByName(seed);
  await using world = await startTestGateway({ limits: { failureDelayMillis: 1_000, loginsPerMinute: 600 } });
  const memory = new MemorySamples();
  const timer = setInterval(() => memory.add(process.memoryUsage().rss), 1000 / samplesPerSecond);
  const over = AbortSignal.timeout(1000 * seconds);
  const problems: string[] = [];
  const attacks: Record<string, number> = {};
  const hostile = new Set<Socket>();
  const names = Object.keys(ATTACKS);

  const flood = async () => {
    const beganAt = performance.now();
    for (let count = 0; !over.aborted; count += 1) {
      const name = names[Math.floor(random("attack") * names.length)] ?? "";
      attacks[name] = (attacks[name] ?? 0) + 1;
      const localAddress = ATTACKERS[count % ATTACKERS.length];
      const socket = connect({ port: world.port, host: "127.0.0.1", localAddress });
      hostile.add(socket);
      socket.on("error", () => {}).once("close", () => hostile.delete(socket));
      socket.setTimeout(LONGEST_ATTACK_MILLIS, () => socket.destroy());
      socket.once("connect", () => ATTACKS[name]?.(socket, randomBytes));
      socket.resume();
      await pause(Math.max(0, beganAt + (60_000 * count) / connectsPerMinute - performance.now()));
    }
  };
  try {
    const [slowestEventMillis, { logins, slowestLoginMillis }] = await Promise.all([
      watchEvents(world, over),
      logInRepeatedly(world.port, over),
      flood(),
    ]);
    for (const socket of hostile) socket.destroy();
    await eventually("no connection is left", () => world.gateway.connections === 0);
    const report = memory.report();
    for (const { level, message } of world.logged)
      if (level === "error") problems.push(`the gateway logged "${message}"`);
    if (report.isFlat === false) problems.push(`memory grew: ${JSON.stringify(report)}`);
    return { attacks, logins, slowestLoginMillis, slowestEventMillis, memory: report, problems };
  } finally {
    clearInterval(timer);
    for (const socket of hostile) socket.destroy();
  }
}

/** Sends ten events a second to a client. Rejects when one does not come. */
async function watchEvents({ port, feeds }: GatewayUnderTest, until: AbortSignal): Promise<number> {
  using client = await AmiClient.login(port);
  let slowest = 0;
  for (let number = 1; !until.aborted; number += 1) {
    const sentAt = performance.now();
    feeds.appendAmi(FEED, [renderAmi("Test", ["call"], [["Number", String(number)]])]);
    await client.take(`Number: ${number}\r\n\r\n`);
    slowest = Math.max(slowest, performance.now() - sentAt);
    await pause(100);
  }
  return Math.round(slowest);
}

/** Rejects when a login fails. */
async function logInRepeatedly(port: number, until: AbortSignal) {
  let logins = 0;
  let slowest = 0;
  for (; !until.aborted; logins += 1) {
    const beganAt = performance.now();
    using client = await AmiClient.login(port);
    await client.take("Fully Booted");
    slowest = Math.max(slowest, performance.now() - beganAt);
    await pause(300);
  }
  return { logins, slowestLoginMillis: Math.round(slowest) };
}
