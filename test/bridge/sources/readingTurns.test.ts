import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { ReadingTurns } from "../../../bridge/sources/readingTurns.ts";
import { listenLocally } from "../../support/asterisk/listenLocally.ts";

/** What libuv reads at once. */
const PIECE_BYTES = 64 * 1024;
const FLOOD = Buffer.alloc(16 * 1024 * 1024, "x");

/** Reads a flood. Returns all bytes, and the most that were read in one turn of the event loop. */
async function readFlood(inTurns: boolean): Promise<{ total: number; most: number }> {
  const server = createServer((socket) => socket.end(FLOOD));
  const socket = connect(await listenLocally(server, 0), "127.0.0.1");
  const turns = new ReadingTurns(socket);
  let [total, inTurn, most] = [0, 0, 0];
  socket.on("data", ({ length }) => {
    if (inTurns) turns.read(length);
    if (inTurn === 0)
      setImmediate(() => {
        most = Math.max(most, inTurn);
        inTurn = 0;
      });
    total += length;
    inTurn += length;
    // The kernel's buffer fills meanwhile, as it does when events are handled.
    const busyUntil = performance.now() + 0.5;
    while (performance.now() < busyUntil);
  });
  await once(socket, "close");
  server.close();
  return { total, most };
}

describe("a socket with a flood", () => {
  it("is read in short turns, between which the rest of the process runs, and to its end", async () => {
    const { total, most } = await readFlood(true);
    expect(total).toBe(FLOOD.length);
    // Half a piece that asks for no pause yet, the piece that does, and one that the socket had read already.
    expect(most).toBeLessThanOrEqual(2.5 * PIECE_BYTES);
  });

  it("would be read for as long as it has something without them", async () => {
    expect((await readFlood(false)).most).toBeGreaterThan(2.5 * PIECE_BYTES);
  });
});
