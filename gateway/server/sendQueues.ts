import { type FileHandle, open } from "node:fs/promises";
import type { Socket } from "node:net";
import { endianness } from "node:os";

/** What the kernel says of one TCP connection. */
export interface SendQueue {
  /** Bytes that a program has written and the other side has not acknowledged. */
  readonly unacknowledged: number;
  /** Whether this side has closed, and the other side has acknowledged that and so everything before it. */
  readonly isFinished: boolean;
  /** Tells a connection from a later one of the same addresses and ports. */
  readonly inode: string;
}

/**
 * Reads the queues of the connections that are asked for, by `queueKey`; those that are not found are left out.
 * Undefined when this system has no such table.
 */
export type ReadSendQueues = (
  keys: ReadonlySet<string>,
) => Promise<ReadonlyMap<string, SendQueue> | undefined>;

/**
 * Linux's tables of TCP connections, of which each process sees its own network. `tx_queue` is `write_seq - snd_una`.
 * Linux: net/ipv4/tcp_ipv4.c, `get_tcp4_sock`; net/ipv6/tcp_ipv6.c, `get_tcp6_sock`.
 */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];

/** About 100,000 connections. What stands behind them is not found. */
const MOST_BYTES = 16 * 1024 * 1024;

/** The kernel gives a page at most with each read. */
const READ_BYTES = 64 * 1024;

/** Counted from the state. Connections in TIME_WAIT have no window. */
const WINDOW_FIELD = 12;

/** Linux: include/net/tcp_states.h, TCP_FIN_WAIT2 and TCP_TIME_WAIT. */
const FINISHED_STATES = new Set(["05", "06"]);

export async function readSendQueues(
  keys: ReadonlySet<string>,
  tables: readonly string[] = TABLES,
): Promise<ReadonlyMap<string, SendQueue> | undefined> {
  const found = new Map<string, SendQueue>();
  let count = 0;
  for (const path of tables) if (await readTable(path, keys, found)) count += 1;
  return count === 0 ? undefined : found;
}

/** @returns false when there is no such table */
async function readTable(
  path: string,
  keys: ReadonlySet<string>,
  found: Map<string, SendQueue>,
): Promise<boolean> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let rest = "";
    for (let total = 0; total < MOST_BYTES; ) {
      const { bytesRead } = await file.read(buffer);
      if (bytesRead === 0) break;
      total += bytesRead;
      const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) takeLine(line, keys, found);
    }
    return true;
  } finally {
    await file.close();
  }
}

/**
 * A line has a number, the local and the remote address, the state and the queues; later the inode and the congestion
 * window. Linux's window is never zero. gVisor's table shows zeros there and as queues, which it does not know (gVisor:
 * pkg/sentry/fsimpl/proc/task_net.go, `commonGenerateTCP`): such a line tells nothing.
 */
function takeLine(line: string, keys: ReadonlySet<string>, found: Map<string, SendQueue>): void {
  const start = line.indexOf(": ") + 2;
  const end = line.indexOf(" ", line.indexOf(" ", start) + 1);
  const key = line.slice(start, end);
  if (!keys.has(key)) return;
  const fields = line.slice(end + 1).split(/ +/);
  const [state = "", queues = "", , , , , inode = ""] = fields;
  if (fields[WINDOW_FIELD] === "0") return;
  const unacknowledged = /^[0-9A-F]{8}:/.test(queues) ? Number.parseInt(queues, 16) : Number.NaN;
  if (Number.isNaN(unacknowledged)) return;
  found.set(key, { unacknowledged, isFinished: FINISHED_STATES.has(state), inode });
}

/** A connection's name in the tables; undefined when it is closed. */
export function queueKey({ localAddress, localPort, remoteAddress, remotePort }: SocketAddresses) {
  if (localAddress === undefined || remoteAddress === undefined) return undefined;
  if (localPort === undefined || remotePort === undefined) return undefined;
  const [local, remote] = [addressWords(localAddress), addressWords(remoteAddress)];
  if (local === undefined || remote === undefined) return undefined;
  return `${local}:${portWord(localPort)} ${remote}:${portWord(remotePort)}`;
}

export type SocketAddresses = Pick<Socket, "localAddress" | "localPort" | "remoteAddress" | "remotePort">;

function portWord(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

/** The tables show an address as words of 32 bits, each in the machine's order of bytes. */
function addressWords(address: string): string | undefined {
  const bytes = address.includes(":") ? bytesOfV6(address) : bytesOfV4(address);
  if (bytes === undefined) return undefined;
  const buffer = Buffer.from(bytes);
  if (endianness() === "LE") buffer.swap32();
  return buffer.toString("hex").toUpperCase();
}

function bytesOfV4(address: string): number[] | undefined {
  const bytes = address.split(".").map(Number);
  return bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255) ? bytes : undefined;
}

function bytesOfV6(address: string): number[] | undefined {
  const [text = ""] = address.split("%");
  const [head = "", tail] = text.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const missing = 16 - before.length - after.length;
  if (missing < 0 || (tail === undefined && missing > 0)) return undefined;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
}

/** Bytes of the groups of an IPv6 address, of which the last may be an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const word = Number.parseInt(group, 16);
    return (group.includes(".") ? bytesOfV4(group) : undefined) ?? [word >> 8, word & 0xff];
  });
}
