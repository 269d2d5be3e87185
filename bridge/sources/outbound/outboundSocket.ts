import type { WebSocket } from "ws";
import type { LinkLoss, PbxIdentity, PbxState, SourceEvent } from "../../source.ts";
import { isReplaced } from "../ari/ariMarks.ts";
import { readIdentity, readState } from "../ari/ariState.ts";
import { HeldEvents } from "../heldEvents.ts";
import { ReadingTurns } from "../readingTurns.ts";
import { lossOf, SourceError } from "../sourceError.ts";
import { type LifeTimes, watchLife } from "../webSocketLife.ts";
import { asOneLine, bytesOf } from "../webSocketText.ts";
import { outboundNetworkLoss } from "./outboundFailure.ts";
import { SocketRest } from "./socketRest.ts";

/** A backlog comes before the answer to the first question. Asterisk may have queued for hours. */
const IDENTITY_MILLIS = 30_000;
const LEAVE_MILLIS = 2_000;

export interface SocketEvents {
  event(event: SourceEvent): void;
  /** The PBX has said who it is. */
  identified(): void;
  replaced(): void;
  /** The socket is over. Called once. */
  ended(loss: LinkLoss): void;
}

export interface SocketParts {
  /** The PBX's name for messages. */
  readonly pbx: string;
  readonly app: string | undefined;
  readonly life: LifeTimes;
  now(): number;
}

/** One WebSocket that a PBX has opened. Its events are held until `release`. */
export class OutboundSocket {
  identity: PbxIdentity | undefined;
  readonly #socket: WebSocket;
  readonly #parts: SocketParts;
  readonly #events: SocketEvents;
  readonly #held: HeldEvents;
  readonly #rest: SocketRest;
  readonly #ended = new AbortController();

  constructor(socket: WebSocket, parts: SocketParts, events: SocketEvents) {
    this.#socket = socket;
    this.#parts = parts;
    this.#events = events;
    this.#held = new HeldEvents((event) => events.event(event));
    this.#rest = new SocketRest((text) => socket.send(text), parts.pbx);
    watchLife(socket, parts.life, () =>
      this.end({ code: "timeout", message: `${parts.pbx} answers no pings: the connection is dead` }),
    );
    const turns = new ReadingTurns(socket);
    socket.on("message", (data, isBinary) => {
      const message = bytesOf(data);
      turns.read(message.length);
      this.#take(message, isBinary);
    });
    socket.on("error", (error) => this.end(outboundNetworkLoss(error, parts.pbx)));
    socket.on("close", (code) =>
      this.end({ code: "closed", message: `${parts.pbx} closed its WebSocket (code ${code})` }),
    );
    this.#identify();
  }

  /** Hands over what is held, and everything at once from now on. */
  release(): void {
    this.#held.release();
  }

  /** @throws SourceError */
  state(signal: AbortSignal): Promise<PbxState> {
    return readState((path, each) => this.#rest.get(path, each), signal, this.#parts.now);
  }

  /** Destroys the socket. What it delivered before is handed over. */
  end(loss: LinkLoss): void {
    if (this.#ended.signal.aborted) return;
    this.#held.release();
    this.#ended.abort();
    this.#socket.terminate();
    this.#rest.fail(new SourceError(loss));
    this.#events.ended(loss);
  }

  /** Closes the socket. What the PBX sent before is handed over. */
  leave(): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve();
    return new Promise((left) => {
      const limit = setTimeout(() => this.#socket.terminate(), LEAVE_MILLIS);
      this.#socket.once("close", () => {
        clearTimeout(limit);
        left();
      });
      this.#socket.close(1001);
    });
  }

  #identify(): void {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(IDENTITY_MILLIS)]);
    readIdentity((path, each) => this.#rest.get(path, each), signal).then(
      (identity) => {
        if (this.#ended.signal.aborted) return;
        this.identity = identity;
        this.#events.identified();
      },
      (error: unknown) => this.end(lossOf(error)),
    );
  }

  #take(message: Buffer, isBinary: boolean): void {
    if (this.#ended.signal.aborted) return;
    const { pbx, app, now } = this.#parts;
    if (isBinary) {
      this.end({ code: "protocol", message: `${pbx} sends binary frames, which ARI does not` });
      return;
    }
    const body = asOneLine(message);
    if (body === undefined || this.#rest.take(body)) return;
    this.#held.take({ format: "stasis", body, receivedAtEpochMillis: now() });
    if (isReplaced(body, app)) this.#events.replaced();
  }
}
