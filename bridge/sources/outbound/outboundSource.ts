import type { WebSocket } from "ws";
import type { LinkLoss, PbxState, Source, SourceListener } from "../../source.ts";
import { SourceError } from "../sourceError.ts";
import type { LifeTimes } from "../webSocketLife.ts";
import { OutboundSocket } from "./outboundSocket.ts";

/** Asterisk dials again after this, for ever (websocket_client.conf: reconnect_interval). */
const ASTERISK_RETRIES_AFTER_MILLIS = 500;
/** How long a new socket's events wait for those of the old one. 7,000 of them were read in far less. */
const DRAIN_MILLIS = 1_000;
/** A PBX has one, and for a moment two. */
const MAX_SOCKETS = 4;

const STOPPED: LinkLoss = { code: "stopped", message: "the bridge has left the PBX" };

export interface OutboundSourceOptions {
  /** The PBX's name for messages. */
  readonly pbx: string;
  /** The application of ari.conf's `apps`. Undefined: whichever it is. */
  readonly app: string | undefined;
  readonly life: LifeTimes;
  readonly now: () => number;
}

/**
 * The events of one PBX that dials us. After a cut it may open a new socket while the old one still has events to read.
 * They are older, so the new socket's events are held until the old socket has ended, for a second at most. Then both
 * are handed over as they come: each keeps its own order, and nothing is ever sorted by time.
 *
 * A new socket is a new link, and what Asterisk wrote to the old one but nobody read is lost: `linkDown` comes before
 * the new `linkUp`.
 */
export class OutboundSource implements Source {
  readonly #options: OutboundSourceOptions;
  #listener: SourceListener | undefined;
  /** Oldest first. */
  #sockets: OutboundSocket[] = [];
  /** Sockets that wait for older ones no longer. */
  readonly #waited = new WeakSet<OutboundSocket>();
  /** The socket whose `linkUp` was reported. */
  #up: OutboundSocket | undefined;

  constructor(options: OutboundSourceOptions) {
    this.#options = options;
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
  }

  /** Whether the PBX may connect now. */
  get isOpen(): boolean {
    return this.#listener !== undefined;
  }

  /** A WebSocket that the PBX has opened, with the right credentials. */
  accept(webSocket: WebSocket): void {
    const listener = this.#listener;
    if (listener === undefined) {
      webSocket.terminate();
      return;
    }
    const socket: OutboundSocket = new OutboundSocket(webSocket, this.#options, {
      event: (event) => listener.event(event),
      identified: () => this.#promote(listener),
      replaced: () => this.#replaced(socket, listener),
      ended: (loss) => this.#ended(socket, loss, listener),
    });
    this.#sockets.push(socket);
    if (this.#sockets.length > MAX_SOCKETS)
      this.#sockets[0]?.end({ code: "closed", message: `${this.#options.pbx} opened too many connections` });
    const limit = setTimeout(() => {
      this.#waited.add(socket);
      this.#promote(listener);
    }, DRAIN_MILLIS);
    webSocket.once("close", () => clearTimeout(limit));
  }

  cut(reason: "reader-too-slow"): void {
    const message = "the bridge cut the link: events came faster than it could store them";
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const socket of sockets) socket.end({ code: reason, message });
  }

  async state(signal: AbortSignal): Promise<PbxState> {
    if (this.#up === undefined) throw new SourceError({ code: "closed", message: "the link is down" });
    return this.#up.state(signal);
  }

  async stop(): Promise<void> {
    // The PBX is refused from now on, and what its sockets have delivered is still handed over.
    const listener = this.#listener;
    this.#listener = undefined;
    await Promise.all(this.#sockets.map((socket) => socket.leave()));
    for (const socket of [...this.#sockets]) socket.end(STOPPED);
    if (listener !== undefined) this.#down(listener, STOPPED);
  }

  /**
   * Reports the link of the oldest socket, or of a newer one that has waited long enough for the older ones: those then
   * go on beside it.
   */
  #promote(listener: SourceListener): void {
    const socket = this.#sockets.findLast((each, index) => index === 0 || this.#waited.has(each));
    if (socket?.identity === undefined || socket === this.#up) return;
    this.#down(listener, {
      code: "closed",
      message: `${this.#options.pbx} has opened a new connection in place of the old one`,
    });
    for (const older of this.#sockets.slice(0, this.#sockets.indexOf(socket))) older.release();
    this.#up = socket;
    listener.linkUp(socket.identity);
    socket.release();
  }

  #ended(socket: OutboundSocket, loss: LinkLoss, listener: SourceListener): void {
    this.#sockets = this.#sockets.filter((each) => each !== socket);
    if (this.#listener === undefined) return;
    if (socket === this.#up) this.#down(listener, loss);
    else if (socket.identity === undefined) listener.connectFailed(loss, ASTERISK_RETRIES_AFTER_MILLIS);
    if (this.#up === undefined) this.#promote(listener);
  }

  #down(listener: SourceListener, loss: LinkLoss): void {
    if (this.#up === undefined) return;
    this.#up = undefined;
    listener.linkDown(loss);
  }

  /** While the PBX has a newer socket, it has replaced its own. */
  #replaced(socket: OutboundSocket, listener: SourceListener): void {
    if (socket !== this.#sockets.at(-1)) return;
    this.#listener = undefined;
    for (const each of [...this.#sockets]) each.end(STOPPED);
    this.#down(listener, STOPPED);
    listener.takenOver();
  }
}
