import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually } from "../../support/eventually.ts";

/** An AMI client that keeps what it was sent, block by block. */
export class AmiClient implements AsyncDisposable {
  readonly #socket: Socket;
  #text = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#text += text;
    });
    socket.on("error", () => {});
  }

  static async connect(port: number): Promise<AmiClient> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    return new AmiClient(socket);
  }

  /** Connects and logs in, and waits for the answer. */
  static async login(port: number, username: string, secret: string): Promise<AmiClient> {
    const client = await AmiClient.connect(port);
    client.send("Login", { Username: username, Secret: secret });
    await eventually("the answer to the login", () => client.blocks().some((block) => "Response" in block));
    return client;
  }

  get isClosed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  send(action: string, headers: Readonly<Record<string, string>> = {}): void {
    const lines = Object.entries({ Action: action, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.#socket.write(`${lines.join("")}\r\n`);
  }

  /** The complete blocks so far, without the greeting. */
  blocks(): Record<string, string>[] {
    const [, rest = ""] = /^[^\r\n]*\r\n([\s\S]*)$/.exec(this.#text) ?? [];
    return rest
      .split("\r\n\r\n")
      .slice(0, -1)
      .map((block) => Object.fromEntries(block.split("\r\n").map((line) => line.split(/: ?(.*)/s, 2))));
  }

  response(): string | undefined {
    return this.blocks().find((block) => "Response" in block)?.Message;
  }

  events(name: string): Record<string, string>[] {
    return this.blocks().filter(({ Event }) => Event === name);
  }

  /** Cuts the connection, without an end. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, "close");
  }
}
