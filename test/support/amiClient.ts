import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually } from "./eventually.ts";

/** A client that looks at bytes. Texts are bytes, one character for each. */
export class AmiClient implements Disposable {
  readonly socket: Socket;
  /** Everything that came and was not taken yet. */
  received = "";
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.received += text;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  static async connect(port: number): Promise<AmiClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new AmiClient(socket);
    await once(socket, "connect");
    return client;
  }

  /** Connects, reads the greeting and logs in. Events that come later are received. */
  static async login(port: number, username = "ami", more = ""): Promise<AmiClient> {
    const client = await AmiClient.connect(port);
    await client.take("\r\n");
    client.send(`Action: Login\r\nUsername: ${username}\r\nSecret: ${username}pass\r\n${more}\r\n`);
    await client.take("Message: Authentication accepted\r\n\r\n");
    return client;
  }

  send(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Waits for this text, and takes what came up to its end. */
  async take(until: string): Promise<string> {
    await eventually(`"${until}" after "${this.received.slice(-200)}"`, () => this.received.includes(until));
    const end = this.received.indexOf(until) + until.length;
    const taken = this.received.slice(0, end);
    this.received = this.received.slice(end);
    return taken;
  }

  /** Sends an action and takes its answer, the first block. */
  async ask(lines: string): Promise<string> {
    this.send(`${lines}\r\n\r\n`);
    return this.take("\r\n\r\n");
  }

  async closed(): Promise<void> {
    await eventually("the connection is closed", () => this.isClosed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
