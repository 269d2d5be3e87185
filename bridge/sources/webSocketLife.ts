import type { WebSocket } from "ws";

export interface LifeTimes {
  readonly everyMillis: number;
  /** A peer that was silent for longer is gone: it answers pings at once. */
  readonly limitMillis: number;
}

export const LIFE_TIMES: LifeTimes = { everyMillis: 5_000, limitMillis: 15_000 };

/**
 * Pings a peer and notices when it is gone without a word, as behind a NAT that forgot the connection. `ws` itself
 * answers the peer's pings. Ends with the socket.
 */
export function watchLife(socket: WebSocket, times: LifeTimes, onSilence: () => void): void {
  let heardAt = performance.now();
  const hear = () => {
    heardAt = performance.now();
  };
  const isSilent = () => performance.now() - heardAt > times.limitMillis;
  for (const event of ["message", "ping", "pong"]) socket.on(event, hear);
  const timer = setInterval(() => {
    if (!isSilent()) return socket.ping();
    // After a stop of this process itself, the answers may be waiting unread. They are read before this runs.
    setImmediate(() => {
      if (isSilent() && socket.readyState === socket.OPEN) onSilence();
    });
  }, times.everyMillis);
  socket.once("close", () => clearInterval(timer));
}
