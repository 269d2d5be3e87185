import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { generate } from "selfsigned";
import { renderAmi } from "../../shared/ami/amiMessage.ts";
import { eventually } from "./eventually.ts";
import { amiUser, FEED, startTestGateway } from "./gatewayUnderTest.ts";

/**
 * A process in a network of its own (`unshare --net`), where it takes the client's address away while the client is
 * connected: no packet arrives any more, and nobody is told. It prints what happened. Argument: tcp or tls.
 */
export interface SilentCut {
  /** The numbers that the client had before the cut, and the position then. */
  readonly before: readonly number[];
  readonly positionBefore: number | undefined;
  /** The position when the gateway closed the connection, and when that was. */
  readonly positionAfter: number | undefined;
  readonly closedAfterMillis: number;
  /** The numbers that the client got when it came back. */
  readonly after: readonly number[];
}

const GATEWAY = "10.77.0.1";
const CLIENT = "10.77.0.2";
const EVENTS_BEFORE = 10;
const EVENTS_DURING = 40;

const ip = (...words: string[]) => execFileSync("ip", words);
const event = (number: number) => renderAmi("Test", ["call"], [["Number", String(number)]]);

async function login(port: number, isTls: boolean): Promise<{ socket: Socket; numbers(): number[] }> {
  const tcp = connectTcp({ port, host: GATEWAY, localAddress: CLIENT });
  await once(tcp, "connect");
  const socket = isTls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
  let text = "";
  socket.on("error", () => {});
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  socket.write("Action: Login\r\nUsername: ami\r\nSecret: amipass\r\n\r\n");
  await eventually("the login", () => text.includes("Fully Booted"));
  return {
    socket,
    numbers: () => [...text.matchAll(/^Number: (\d+)\r$/gm)].map(([, number]) => Number(number)),
  };
}

async function run(isTls: boolean): Promise<SilentCut> {
  ip("link", "set", "lo", "up");
  for (const address of [GATEWAY, CLIENT]) ip("addr", "add", `${address}/32`, "dev", "lo");
  const made = await generate([{ name: "commonName", value: "gateway" }], { keySize: 2048 });
  await using world = await startTestGateway({
    users: [amiUser({ resume: true, multipleLogin: "take-over" })],
    limits: { writeTimeoutMillis: 5_000 },
    listen: { host: GATEWAY, tlsPort: 0, certificate: { key: made.private, cert: made.cert } },
  });
  const port = (isTls ? world.gateway.ports.tlsPort : world.gateway.ports.port) ?? 0;
  const position = () => world.positions.next.get("session-ami");
  const first = await login(port, isTls);
  for (let number = 1; number <= EVENTS_BEFORE; number += 1) world.feeds.appendAmi(FEED, [event(number)]);
  await eventually("the events are acknowledged", () => position() === EVENTS_BEFORE + 1);
  const before = first.numbers();
  const positionBefore = position();

  ip("addr", "del", `${CLIENT}/32`, "dev", "lo");
  const cutAt = performance.now();
  for (let count = 1; count <= EVENTS_DURING; count += 1) {
    world.feeds.appendAmi(FEED, [event(EVENTS_BEFORE + count)]);
    await pause(50);
  }
  const isClosed = () =>
    world.logged.some(
      ({ message }) => message === "an AMI client acknowledges nothing, and its connection is closed",
    );
  await eventually("the gateway closes the connection", isClosed);
  const closedAfterMillis = Math.round(performance.now() - cutAt);
  const positionAfter = position();
  if (first.numbers().length > EVENTS_BEFORE) throw new Error("the network was not cut");

  ip("addr", "add", `${CLIENT}/32`, "dev", "lo");
  const second = await login(port, isTls);
  await eventually("the last event", () => second.numbers().at(-1) === EVENTS_BEFORE + EVENTS_DURING);
  const after = second.numbers();
  first.socket.destroy();
  second.socket.destroy();
  return { before, positionBefore, positionAfter, closedAfterMillis, after };
}

process.stdout.write(`${JSON.stringify(await run(process.argv[2] === "tls"))}\n`);
