import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const LOGGED_IN = "Message: Authentication accepted";

/** The way from clients to a gateway's port, which a test can cut. */
export class Cable implements AsyncDisposable {
  /** Logins that the gateway accepted. */
  logins = 0;
  /** The first connection is cut when so many bytes have passed to the client; wherever that is in an event. */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** The last four characters that passed before the cut. */
  lastBeforeCut = "";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(gatewayPort: number) {
    this.#server = createServer((client) => this.#connect(client, gatewayPort));
  }

  static async to(gatewayPort: number): Promise<Cable> {
    const cable = new Cable(gatewayPort);
    cable.#server.listen(0, "127.0.0.1");
    await once(cable.#server, "listening");
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #connect(client: Socket, gatewayPort: number): void {
    const gateway = connect(gatewayPort, "127.0.0.1");
    const cut = () => {
      client.destroy();
      gateway.destroy();
    };
    for (const socket of [client, gateway]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    client.pipe(gateway);
    let left = this.cutAfterBytes;
    gateway.on("data", (bytes) => {
      if (bytes.includes(LOGGED_IN)) this.logins += 1;
      if (bytes.length < left) {
        client.write(bytes);
        left -= bytes.length;
        return;
      }
      this.cutAfterBytes = Number.POSITIVE_INFINITY;
      gateway.removeAllListeners("data").resume();
      this.lastBeforeCut = bytes.subarray(Math.max(0, left - 4), left).toString("latin1");
      client.write(bytes.subarray(0, left), cut);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
