import { WebSocket } from "ws";
import { z } from "zod";
import { Journal } from "./journal.ts";
import { PbxStateOfTests } from "./pbxState.ts";

export interface OutboundPbxOptions {
  /** Where the PBX dials: `uri` of websocket_client.conf. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly ca?: string;
  readonly app?: string;
  readonly journal?: Journal;
  readonly state?: PbxStateOfTests;
  /** How long a handshake may take. Asterisk: twice the connect timeout of 500 ms. */
  readonly handshakeMillis?: number;
  /** `reconnect_interval`: no backoff and no jitter. */
  readonly reconnectMillis?: number;
}

const requestSchema = z.object({ request_id: z.string(), method: z.string(), uri: z.string() });

interface Session {
  readonly name: string;
  readonly socket: WebSocket;
}

/**
 * A PBX that dials the bridge (outbound ARI), as measured on Asterisk 23: the first message is ApplicationRegistered; in
 * an outage events wait in memory without limit, and come in order before the next ApplicationRegistered; what was
 * written to a socket is not kept; requests come over the same socket, and a user that may only read gets 403 for others.
 */
export class OutboundPbx implements Disposable {
  readonly journal: Journal;
  readonly state: PbxStateOfTests;
  /** Why connections failed: a status, or an error's code. */
  readonly failures: string[] = [];
  readonly #options: OutboundPbxOptions;
  #session: Session | undefined;
  #old: Session[] = [];
  #queue: string[];
  #sessions = 0;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Reads requests, and answers none. */
  isDeaf = false;
  /** Answers requests with this status. */
  refusal: number | undefined;

  constructor(options: OutboundPbxOptions) {
    this.#options = options;
    this.journal = options.journal ?? new Journal();
    this.state = options.state ?? new PbxStateOfTests();
    this.#queue = [this.#registered()];
    this.#dial();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    for (const { socket } of [...this.#old, ...(this.#session ? [this.#session] : [])]) socket.terminate();
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  emit(event: string): void {
    this.state.follow(event);
    if (this.#session === undefined) this.#queue.push(event);
    else this.#send(this.#session, event);
  }

  /** Resets the connection and dials again. Events wait from now on. */
  cut(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.socket.terminate();
  }

  /** Opens a new connection while the old one stays open: what it holds arrives after newer events. */
  dialBeside(): void {
    if (this.#session !== undefined) this.#old.push(this.#session);
    this.#session = undefined;
    this.#dial();
  }

  /** Sends on the newest of the old connections what was in its buffers. */
  sendOnOld(event: string): void {
    const session = this.#old.at(-1);
    if (session !== undefined) this.#send(session, event);
  }

  closeOld(): void {
    for (const { socket } of this.#old.splice(0)) socket.close();
  }

  #registered(): string {
    const timestamp = new Date().toISOString().replace("Z", "+0000");
    return JSON.stringify({
      type: "ApplicationRegistered",
      timestamp,
      application: this.#options.app ?? "relay",
      asterisk_id: this.state.entityId,
    });
  }

  #dial(): void {
    const { url, username, password, ca, handshakeMillis = 1_000, reconnectMillis = 500 } = this.#options;
    const socket = new WebSocket(url, ["ari"], {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` },
      handshakeTimeout: handshakeMillis,
      perMessageDeflate: false,
      ...(ca !== undefined && { ca }),
    });
    this.#sessions += 1;
    const session: Session = { name: `outbound-${this.#sessions}`, socket };
    const isFirst = this.#sessions === 1;
    socket.on("unexpected-response", (request, response) => {
      this.failures.push(String(response.statusCode));
      request.destroy();
      socket.terminate();
    });
    socket.on("error", (error) => {
      if (socket.readyState !== socket.OPEN)
        this.failures.push("code" in error ? String(error.code) : error.message);
    });
    socket.on("open", () => {
      this.#session = session;
      for (const event of this.#queue.splice(0)) this.#send(session, event);
      if (!isFirst) this.#send(session, this.#registered());
    });
    socket.on("message", (data) => this.#answer(session, data.toString()));
    socket.on("close", () => {
      this.#old = this.#old.filter((each) => each !== session);
      if (this.#session === session) this.#session = undefined;
      const isNewest = session.name === `outbound-${this.#sessions}`;
      if (!this.#isStopped && isNewest) this.#retry = setTimeout(() => this.#dial(), reconnectMillis);
    });
  }

  #answer({ socket }: Session, text: string): void {
    if (this.isDeaf) return;
    const { request_id, method, uri } = requestSchema.parse(JSON.parse(text));
    const value = this.state.ari(uri.split("?")[0] ?? "");
    const status = this.refusal ?? (method === "GET" ? (value === undefined ? 404 : 200) : 403);
    socket.send(
      JSON.stringify({
        type: "RESTResponse",
        transaction_id: "",
        request_id,
        status_code: status,
        reason_phrase: status === 200 ? "OK" : "Refused",
        uri,
        content_type: "application/json",
        message_body: JSON.stringify(status === 200 ? value : { message: "Refused" }),
        application: this.#options.app ?? "relay",
      }),
    );
  }

  #send({ socket, name }: Session, event: string): void {
    socket.send(event, (error) => {
      if (!error) this.journal.note(name, Buffer.from(event));
    });
  }
}
