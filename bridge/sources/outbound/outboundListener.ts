import { createServer as createHttpServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Source } from "../../source.ts";
import { type SourceRuntime, systemRuntime } from "../runtime.ts";
import { LIFE_TIMES, type LifeTimes } from "../webSocketLife.ts";
import { FailureLimit } from "./failureLimit.ts";
import { OutboundSource } from "./outboundSource.ts";
import { type PbxAccess, PbxDirectory } from "./pbxAccess.ts";

/** An answer with the state of a large PBX comes over the same socket as the events. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Asterisk gives up after a second. Who is slower holds a connection for nothing. */
const HANDSHAKE_MILLIS = 5_000;
const MAX_HEADER_BYTES = 8 * 1024;

export interface OutboundListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Certificate chain and key, PEM. Without them the listener is plain. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly life?: LifeTimes;
  readonly maxConnections?: number;
  readonly runtime?: SourceRuntime;
}

/**
 * Listens for PBXs that dial the bridge (outbound ARI). Asterisk waits for the handshake for 500 ms to a second only, so
 * it is answered from memory, whatever else the bridge is doing. Wrong ones get a bare status: 404 for a path that no PBX
 * has, 401 for wrong credentials, 429 for a client that fails often, 503 while the source does not run.
 */
export class OutboundListener {
  readonly #options: OutboundListenerOptions;
  readonly #server: Server;
  readonly #directory = new PbxDirectory<OutboundSource>();
  readonly #failures: FailureLimit;
  readonly #runtime: SourceRuntime;
  readonly #connections = new Set<Socket>();
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // What is no UTF-8 is for the relay to refuse, event by event. It is no reason to lose the link.
    skipUTF8Validation: true,
  });

  constructor(options: OutboundListenerOptions) {
    this.#options = options;
    this.#runtime = options.runtime ?? systemRuntime;
    this.#failures = new FailureLimit(() => this.#runtime.monotonicMillis());
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HANDSHAKE_MILLIS };
    this.#server =
      options.tls === undefined
        ? createHttpServer(limits)
        : createHttpsServer({ ...limits, ...options.tls, handshakeTimeout: HANDSHAKE_MILLIS });
    this.#server.maxConnections = options.maxConnections ?? 2_000;
    this.#server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#server.on("request", (_, response) => response.writeHead(426, { connection: "close" }).end());
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Listens. Resolves with the port. Rejects when the address is taken. */
  listen(): Promise<number> {
    return new Promise((listening, failed) => {
      this.#server.once("error", failed);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", failed);
        const address = this.#server.address();
        listening(typeof address === "object" && address !== null ? address.port : this.#options.port);
      });
    });
  }

  /**
   * The source of one PBX.
   * @param app the application of ari.conf's `apps`; undefined: whichever it is
   * @throws RangeError when another PBX has the same path and user
   */
  source(access: PbxAccess, app?: string): Source {
    const source = new OutboundSource({
      pbx: `the PBX of ${access.path} (user '${access.username}')`,
      app,
      life: this.#options.life ?? LIFE_TIMES,
      now: () => this.#runtime.now(),
    });
    this.#directory.add(access, source);
    return source;
  }

  /** Forgets a PBX. Stop its source before. */
  remove(access: Omit<PbxAccess, "password">): void {
    this.#directory.remove(access);
  }

  /** Stops listening and cuts what is still connected. Stop the sources first. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const { claim, result } = this.#directory.check(request.url ?? "", request.headers.authorization);
    const client = `${request.socket.remoteAddress} ${claim}`;
    if (this.#failures.isOver(client)) refuse(socket, 429);
    else if ("status" in result) {
      this.#failures.count(client);
      refuse(socket, result.status);
    } else if (!result.pbx.isOpen) refuse(socket, 503);
    else this.#upgrades.handleUpgrade(request, socket, head, (webSocket) => result.pbx.accept(webSocket));
  }
}

/** Asterisk reads the status only. */
function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
