import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { type AriUser, refusalOf } from "./ariAccess.ts";
import { Journal } from "./journal.ts";
import { listenLocally } from "./listenLocally.ts";
import { PbxStateOfTests } from "./pbxState.ts";

export interface AriPbxOptions {
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly user?: AriUser;
  /** A path before `/ari`: `prefix` of http.conf. */
  readonly prefix?: string;
  readonly journal?: Journal;
  readonly state?: PbxStateOfTests;
  /** `websocket_write_timeout` of ari.conf: for how long a reader may stop before events are lost. */
  readonly writeTimeoutMillis?: number;
}

interface Session {
  readonly name: string;
  readonly socket: WebSocket;
  readonly raw: Duplex;
  blockedSinceMillis: number | undefined;
}

const filterSchema = z.object({ disallowed: z.array(z.object({ type: z.string() })) });
const typeSchema = z.object({ type: z.string() });

/** What may wait in a socket before it counts as blocked. */
const BLOCKED_BYTES = 64 * 1024;

/**
 * ARI of a PBX: a web server with the WebSocket of `/ari/events` and the requests that a bridge makes. It does what was
 * measured on Asterisk 23: one socket per application; the one that is replaced gets ApplicationReplaced, stays open and
 * gets nothing more; the event filter ends with the application; a reader that stops loses events without a sign.
 */
export class AriPbx implements AsyncDisposable {
  readonly journal: Journal;
  readonly state: PbxStateOfTests;
  readonly requests: string[] = [];
  /** Applications with their present socket. */
  readonly #apps = new Map<string, Session>();
  readonly #filters = new Map<string, ReadonlySet<string>>();
  readonly #options: AriPbxOptions;
  readonly #connections = new Set<Socket>();
  readonly #upgrades = new WebSocketServer({ noServer: true });
  #server: Server | undefined;
  #port: number;
  #sessions = 0;
  #stalled: string[] | undefined;
  /** How long a handshake takes. */
  handshakeMillis = 0;
  /** How long a request takes. */
  answerMillis = 0;
  /** Answers every connection and request with this status. */
  refusal: number | undefined;
  /** Events that the write timeout cost. */
  dropped = 0;

  private constructor(options: AriPbxOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.journal = options.journal ?? new Journal();
    this.state = options.state ?? new PbxStateOfTests();
  }

  static async start(options: AriPbxOptions = {}): Promise<AriPbx> {
    const pbx = new AriPbx(options);
    await pbx.listen();
    return pbx;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.#port}${this.#options.prefix ?? ""}`;
  }

  /** The applications that are registered. */
  get apps(): string[] {
    return [...this.#apps.keys()];
  }

  filter(app: string): readonly string[] {
    return [...(this.#filters.get(app) ?? [])];
  }

  async listen(): Promise<void> {
    const { tls } = this.#options;
    const server = tls ? createHttpsServer(tls) : createHttpServer();
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    server.on("request", (request, response) => void this.#answer(request, response));
    server.on("upgrade", (request, socket, head) => void this.#upgrade(request, socket, head));
    this.#port = await listenLocally(server, this.#port);
  }

  /** Stops listening and cuts everything, as when the PBX is stopped. `listen` brings it back on the same port. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((done) => (server ? server.close(() => done()) : done()));
    this.cut();
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** Stops and starts again: a new start time, and no calls. */
  async restart(startedAtEpochMillis = this.state.startedAtEpochMillis + 3_600_000): Promise<void> {
    await this.down();
    this.state.restart(startedAtEpochMillis);
    await this.listen();
  }

  /** Sends an event to every application, as a PBX does with `subscribeAll`. */
  emit(event: string): void {
    this.state.follow(event);
    if (this.#stalled !== undefined) this.#stalled.push(event);
    else this.#send(event);
  }

  /** Sends what a PBX would not. */
  sendRaw(message: string | Buffer): void {
    for (const { socket } of this.#apps.values()) socket.send(message);
  }

  /** Sends bytes below the WebSocket. */
  sendBytes(bytes: Buffer): void {
    for (const { raw } of this.#apps.values()) raw.write(bytes);
  }

  /** Holds all events back until `resume`. */
  stall(): void {
    this.#stalled ??= [];
  }

  resume(): void {
    const stalled = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const event of stalled) this.#send(event);
  }

  /** Resets every connection. */
  cut(): void {
    for (const socket of this.#connections) socket.resetAndDestroy();
  }

  /** Pings the clients. Resolves when all have answered. */
  async ping(): Promise<void> {
    await Promise.all(
      [...this.#apps.values()].map(
        ({ socket }) =>
          new Promise<void>((answered) => {
            socket.once("pong", () => answered());
            socket.ping();
          }),
      ),
    );
  }

  #send(event: string): void {
    const { type } = typeSchema.parse(JSON.parse(event));
    for (const [app, session] of this.#apps)
      if (!this.#filters.get(app)?.has(type)) this.#sendTo(session, event);
  }

  #sendTo(session: Session, event: string): void {
    const { socket, name } = session;
    if (socket.bufferedAmount > BLOCKED_BYTES) {
      session.blockedSinceMillis ??= performance.now();
      if (performance.now() - session.blockedSinceMillis > (this.#options.writeTimeoutMillis ?? Infinity)) {
        // "Problem occurred during websocket write, websocket closed"
        this.dropped += 1;
        socket.terminate();
        return;
      }
    } else session.blockedSinceMillis = undefined;
    socket.send(event, (error) => {
      if (!error) this.journal.note(name, Buffer.from(event));
    });
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "", "http://pbx");
    this.requests.push(`WS ${url.pathname}${url.search}`);
    if (this.handshakeMillis > 0) await pause(this.handshakeMillis);
    const app = url.searchParams.get("app");
    const status = this.#refused(request, url.pathname) ?? (app === null ? 400 : undefined);
    if (status !== undefined || url.pathname !== `${this.#options.prefix ?? ""}/ari/events`) {
      socket.end(`HTTP/1.1 ${status ?? 404} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    this.#upgrades.handleUpgrade(request, socket, head, (webSocket) =>
      this.#register(app ?? "", webSocket, socket),
    );
  }

  #register(app: string, socket: WebSocket, raw: Duplex): void {
    this.#sessions += 1;
    const session: Session = { name: `ari-${this.#sessions}`, socket, raw, blockedSinceMillis: undefined };
    const before = this.#apps.get(app);
    const timestamp = new Date().toISOString().replace("Z", "+0000");
    if (before !== undefined)
      this.#sendTo(
        before,
        JSON.stringify({
          type: "ApplicationReplaced",
          timestamp,
          application: app,
          asterisk_id: this.state.entityId,
        }),
      );
    this.#apps.set(app, session);
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      if (this.#apps.get(app) !== session) return;
      this.#apps.delete(app);
      this.#filters.delete(app);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://pbx");
    const method = request.method ?? "";
    this.requests.push(`${method} ${url.pathname}${url.search}`);
    const body = await text(request);
    if (this.answerMillis > 0) await pause(this.answerMillis);
    const root = `${this.#options.prefix ?? ""}/ari/`;
    const path = url.pathname.startsWith(root) ? url.pathname.slice(root.length) : "";
    const refused = this.#refused(request, url.pathname);
    const reply = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const filterOf = /^applications\/([^/]+)\/eventFilter$/.exec(path)?.[1];
    if (refused !== undefined) reply(refused, { message: "refused" });
    else if (method === "PUT" && filterOf !== undefined) {
      const app = decodeURIComponent(filterOf);
      const { disallowed } = filterSchema.parse(JSON.parse(body));
      if (!this.#apps.has(app)) return reply(404, { message: "Application does not exist." });
      this.#filters.set(app, new Set(disallowed.map(({ type }) => type)));
      reply(200, { name: app });
    } else {
      const value = method === "GET" ? this.state.ari(path) : undefined;
      reply(value === undefined ? 404 : 200, value ?? { message: "Invalid method" });
    }
  }

  #refused(request: IncomingMessage, path: string): number | undefined {
    const { prefix = "", user = { name: "ari", password: "secret" } } = this.#options;
    return this.refusal ?? refusalOf(request, path, prefix, user);
  }
}
