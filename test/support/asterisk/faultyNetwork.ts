import { connect, createServer, type Server, type Socket } from "node:net";
import { listenLocally } from "./listenLocally.ts";

/**
 * A network between a client and a PBX, byte by byte: what goes through is cut into pieces anywhere, stopped, or lost.
 */
export class FaultyNetwork implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #settings: { isStopped: boolean };

  private constructor(port: number, server: Server, sockets: Set<Socket>, settings: { isStopped: boolean }) {
    this.#server = server;
    this.#sockets = sockets;
    this.#settings = settings;
    this.port = port;
  }

  /**
   * @param toPort the PBX's port on this machine
   * @param pieceBytes the length of the next piece; undefined: chunks pass whole
   */
  static async start(toPort: number, pieceBytes?: () => number): Promise<FaultyNetwork> {
    const sockets = new Set<Socket>();
    const settings = { isStopped: false };
    const pass = (from: Socket, to: Socket) => {
      from.on("data", (chunk) => {
        if (settings.isStopped) return;
        if (pieceBytes === undefined) to.write(chunk);
        else for (const piece of piecesOf(chunk, pieceBytes)) to.write(piece);
      });
      from.on("close", () => (settings.isStopped ? undefined : to.end()));
      from.on("error", () => to.destroy());
    };
    const server = createServer((client) => {
      const pbx = connect(toPort, "127.0.0.1");
      for (const socket of [client, pbx]) {
        socket.setNoDelay(true);
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      }
      pass(client, pbx);
      pass(pbx, client);
    });
    return new FaultyNetwork(await listenLocally(server, 0), server, sockets, settings);
  }

  /** From now on everything is lost, and nobody is told: a NAT that forgot the connection. */
  stop(): void {
    this.#settings.isStopped = true;
  }

  /** Lets new connections through again. */
  repair(): void {
    this.#settings.isStopped = false;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function* piecesOf(chunk: Buffer, pieceBytes: () => number): Generator<Buffer> {
  for (let from = 0; from < chunk.length; ) {
    const to = from + Math.max(1, pieceBytes());
    yield chunk.subarray(from, to);
    from = to;
  }
}
