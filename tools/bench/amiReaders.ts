import { once } from "node:events";
import { connect, type Socket } from "node:net";

/**
 * AMI clients in a separate process, so that only the gateway's CPU time is measured. They log in, and count what comes.
 * The parent sends one `Order`, and gets `ready`, then a `Count` when every client has the bytes that it expects.
 */
export interface Order {
  readonly port: number;
  readonly clients: readonly { readonly username: string; readonly expectedBytes: number }[];
  /** Clients that read nothing after their login. */
  readonly stalled: number;
  /** Clients whose events are looked at for their time. */
  readonly timed: number;
}

/**
 * From then on, the stalled clients read, or read nothing again. For that they log in anew: the kernel gives a socket that
 * was read from a larger buffer. `ready` is the answer.
 */
export interface Stall {
  readonly isStalled: boolean;
}

export type Report =
  | { readonly kind: "ready" }
  /** The answer to the text `latencies`: what was measured since the last. */
  | { readonly kind: "latencies"; readonly latenciesMillis: readonly number[] }
  | { readonly kind: "done"; readonly latenciesMillis: readonly number[] }
  | { readonly kind: "failed"; readonly why: string };

const latenciesMillis: number[] = [];
const nowMillis = () => performance.timeOrigin + performance.now();

async function login(port: number, username: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await textWith(socket, "Asterisk Call Manager/");
  socket.write(`Action: Login\r\nUsername: ${username}\r\nSecret: ${username}pass\r\n\r\n`);
  await textWith(socket, "Status: Fully Booted\r\n\r\n");
  return socket;
}

/** Reads until this text has come. */
async function textWith(socket: Socket, wanted: string): Promise<void> {
  let text = "";
  const read = (chunk: Buffer) => {
    text += chunk.toString("latin1");
  };
  socket.on("data", read);
  while (!text.includes(wanted)) {
    await once(socket, "data");
    if (text.includes("Response: Error")) throw new Error(`no login: ${text}`);
  }
  socket.off("data", read);
}

function readAll(socket: Socket, expectedBytes: number, isTimed: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (isTimed) noteTimes(chunk);
      if (bytes >= expectedBytes) resolve();
    });
    socket.on("close", () => reject(new Error(`closed after ${bytes} of ${expectedBytes} bytes`)));
  });
}

/** Every page of the bench begins with an event that says when it was appended. */
function noteTimes(chunk: Buffer): void {
  const now = nowMillis();
  for (const [, sentAt = ""] of chunk.toString("latin1").matchAll(/^BenchAt: ([\d.]+)\r$/gm))
    latenciesMillis.push(now - Number(sentAt));
}

async function run({ port, clients, stalled, timed }: Order): Promise<void> {
  const sockets: Socket[] = [];
  // In small groups, as the machine's backlog is short.
  for (let from = 0; from < clients.length; from += 20)
    sockets.push(
      ...(await Promise.all(clients.slice(from, from + 20).map(({ username }) => login(port, username)))),
    );
  const readings = sockets.slice(stalled).map((socket, index) => {
    const { expectedBytes = 0 } = clients[stalled + index] ?? {};
    return readAll(socket, expectedBytes, index < timed);
  });
  const stalledSockets = sockets.slice(0, stalled);
  for (const socket of stalledSockets) socket.pause();
  const stallAgain = async () => {
    for (const [index, socket] of stalledSockets.entries()) {
      socket.destroy();
      const next = await login(port, clients[index]?.username ?? "");
      stalledSockets[index] = next.pause();
    }
  };
  process.on("message", (message: Stall | "latencies") => {
    if (message === "latencies") tell({ kind: "latencies", latenciesMillis: latenciesMillis.splice(0) });
    else if (message.isStalled) void stallAgain().then(() => tell({ kind: "ready" }));
    else {
      for (const socket of stalledSockets) socket.resume();
      tell({ kind: "ready" });
    }
  });
  tell({ kind: "ready" });
  await Promise.all(readings);
  tell({ kind: "done", latenciesMillis });
}

function tell(report: Report): void {
  process.send?.(report);
}

process.once("message", (order: Order) => {
  run(order).catch((error) => tell({ kind: "failed", why: String(error) }));
});
