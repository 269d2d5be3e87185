import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { type Logins, secretsOf } from "../server/logins.ts";
import type { Certificate } from "../server/managerServer.ts";
import type { GatewayParts } from "../server/parts.ts";
import { Tally } from "../server/tally.ts";
import { digestChallenge, isDigestRight, readDigest } from "./digest.ts";
import { DigestNonces } from "./digestNonces.ts";
import { bodyOf, CONTENT_TYPES } from "./webFormat.ts";
import { formOf, parametersOf, routeOf, sessionCookieOf, type WebFormat } from "./webRequest.ts";
import { WebSession } from "./webSession.ts";
import { WebSessions } from "./webSessions.ts";

/** How often expired sessions are ended. */
const EXPIRY_STEP_MILLIS = 1_000;

/** Clients that take no answer cannot delay a stop for longer. */
const STOP_WITHIN_MILLIS = 5_000;

/** http.conf: `session_keep_alive`. */
const KEEP_ALIVE_MILLIS = 15_000;

/** AMI over HTTP, as Asterisk's web server has it. Asterisk: main/manager.c, `generic_http_callback`, `auth_http_callback`. */
export class ManagerHttpServer {
  readonly #server: Server | TlsServer;
  readonly #parts: GatewayParts;
  readonly #logins: Logins;
  readonly #sessions: WebSessions;
  readonly #connections = new Tally();
  readonly #nonces: DigestNonces;
  readonly #stopping = new AbortController();
  readonly #expiry: NodeJS.Timeout;

  constructor(parts: GatewayParts, logins: Logins, certificate?: Certificate) {
    this.#parts = parts;
    this.#logins = logins;
    this.#nonces = new DigestNonces(parts.clock);
    this.#sessions = new WebSessions(parts.clock, parts.limits);
    const { authTimeoutMillis, connections } = parts.limits;
    const options = { requestTimeout: authTimeoutMillis, keepAliveTimeout: KEEP_ALIVE_MILLIS };
    const listener = (message: IncomingMessage, response: ServerResponse) =>
      void this.#serve(message, response);
    this.#server = certificate
      ? createTlsServer({ ...options, ...certificate }, listener)
      : createServer(options, listener);
    this.#server.maxConnections = connections;
    this.#server.on("connection", (socket: Socket) => this.#count(socket));
    this.#expiry = setInterval(() => this.#sessions.endExpired(), EXPIRY_STEP_MILLIS).unref();
  }

  /** @returns the port, which is a free one when 0 was asked for */
  async listen(port: number, host: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** New connections get this certificate. */
  useCertificate(certificate: Certificate): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext(certificate);
  }

  /** Ends all sessions; those that wait get their answers. */
  async stop(): Promise<void> {
    clearInterval(this.#expiry);
    this.#stopping.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#sessions.endAll();
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), STOP_WITHIN_MILLIS);
    await closed;
    clearTimeout(timer);
  }

  /** One address cannot take all connections. */
  #count(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    if (this.#connections.of(address) >= this.#parts.limits.httpConnectionsPerAddress) socket.destroy();
    else socket.once("close", this.#connections.enter(address));
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(message, response);
    } catch (error) {
      // The URL may hold a secret, so it is not logged.
      this.#parts.log.error("an AMI request over HTTP failed", {
        address: message.socket.remoteAddress,
        error,
      });
      if (response.headersSent) response.destroy();
      else this.#refuse(response, 500, "Internal Server Error");
    }
  }

  async #route(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "/", method = "GET" } = message;
    const route = routeOf(url);
    if (route === undefined) return this.#refuse(response, 404, "Not Found");
    if (!["GET", "HEAD", "POST"].includes(method)) return this.#refuse(response, 501, "Not Implemented");
    const encoded = method === "POST" ? await formOf(message) : url.slice(url.indexOf("?") + 1);
    if (encoded === undefined) return this.#refuse(response, 413, "Request Entity Too Large");
    const query = method === "POST" || url.includes("?") ? encoded : "";
    const closed = new AbortController();
    response.once("close", () => closed.abort());
    const signal = AbortSignal.any([closed.signal, this.#stopping.signal]);
    if (route.isDigest) await this.#serveDigest(message, response, route.format, query, signal);
    else await this.#serveCookie(message, response, route.format, query, signal);
  }

  async #serveCookie(
    message: IncomingMessage,
    response: ServerResponse,
    format: WebFormat,
    query: string,
    signal: AbortSignal,
  ): Promise<void> {
    const cookie = sessionCookieOf(message);
    const known = cookie === undefined ? undefined : this.#sessions.find(cookie);
    // Longer than Manager's 32 bits, which can be guessed.
    const id = known === undefined ? randomBytes(16).toString("hex") : (cookie ?? "");
    const session = known ?? this.#newSession(message);
    await this.#answer(response, session, { id, format, query, isDigest: false }, signal);
  }

  async #serveDigest(
    message: IncomingMessage,
    response: ServerResponse,
    format: WebFormat,
    query: string,
    signal: AbortSignal,
  ): Promise<void> {
    const ask = (isStale: boolean, nonce = this.#nonces.issue()) => {
      response.setHeader("WWW-Authenticate", digestChallenge(nonce, isStale));
      this.#refuse(response, 401, "Unauthorized");
    };
    const digest = readDigest(message.headers.authorization);
    if (digest === undefined) return ask(false);
    const isRightFor = (secret: string) => isDigestRight(digest, message.method ?? "", secret);
    const known = this.#sessions.find(digest.nonce);
    const owner = known?.user;
    const isKnown = owner !== undefined && owner.username === digest.username;
    const user = isKnown
      ? secretsOf(owner).some(isRightFor) && owner
      : await this.#logins.verify(digest.username, message.socket.remoteAddress ?? "", isRightFor);
    if (!user) return ask(false);
    // A request that was heard by others cannot be sent again.
    const use = this.#nonces.use(digest.nonce, digest.count);
    if (use === "expired" && isKnown) {
      const nonce = this.#nonces.issue();
      this.#sessions.rename(digest.nonce, nonce);
      return ask(true, nonce);
    }
    if (use !== "good") return ask(true);
    const session = isKnown && known ? known : this.#newSession(message);
    if (!session.isLoggedIn && !(await session.admit(user, signal)))
      return this.#refuse(response, 403, "Permission denied");
    await this.#answer(response, session, { id: digest.nonce, format, query, isDigest: true }, signal);
  }

  async #answer(
    response: ServerResponse,
    session: WebSession,
    { id, format, query, isDigest }: { id: string; format: WebFormat; query: string; isDigest: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const { parameters, request } = parametersOf(query);
    // Kept before the answer: a second request may come while the first waits.
    if (session.isLoggedIn) this.#sessions.keep(id, session);
    const { text, events } = await session.answer(request, signal);
    if (session.isWorthKeeping) this.#sessions.keep(id, session);
    else this.#sessions.drop(id);
    const body = Buffer.from(bodyOf(text, format, isDigest, parameters), "latin1");
    response.once("finish", () => events?.confirm());
    response.once("close", () => {
      if (!response.writableFinished) events?.undo();
    });
    const { httpTimeoutMillis } = this.#parts.limits;
    response.writeHead(200, {
      Server: `Asterisk/${session.version}`,
      "Cache-Control": "no-cache, no-store",
      "Content-Type": CONTENT_TYPES[format],
      ...(isDigest
        ? {}
        : {
            "Set-Cookie": `mansession_id="${id}"; Version=1; Max-Age=${Math.round(httpTimeoutMillis / 1000)}`,
            Pragma: "SuppressEvents",
          }),
      "Content-Length": body.length,
      ...(this.#stopping.signal.aborted && { Connection: "close" }),
    });
    response.end(body);
  }

  #newSession({ socket }: IncomingMessage): WebSession {
    return new WebSession(this.#parts, this.#logins, socket.remoteAddress ?? "");
  }

  #refuse(response: ServerResponse, status: number, title: string): void {
    const body = `<!DOCTYPE html>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n`;
    response.writeHead(status, { "Content-Type": "text/html", "Content-Length": body.length });
    response.end(body);
  }
}
