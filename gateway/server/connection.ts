import { once } from "node:events";
import type { Socket } from "node:net";
import { viewOf } from "../fanout/view.ts";
import {
  type Dialogue,
  handle,
  type Login,
  loggedIn,
  loginRefused,
  NEW_DIALOGUE,
  waited,
} from "../protocol/dialogue.ts";
import { greeting } from "../protocol/pbx.ts";
import type { LoginProof } from "../protocol/proof.ts";
import type { AmiRequest } from "../protocol/request.ts";
import { RequestParser } from "../protocol/requestParser.ts";
import type { Admitted, Logins } from "./logins.ts";
import { type GatewayParts, worldOf } from "./parts.ts";
import { TokenBucket } from "./rateLimit.ts";
import { SocketReader } from "./socketReader.ts";

/** How long a closed connection may take to read what was written to it. */
const CLOSE_WITHIN_MILLIS = 5_000;

/** TCP probes find clients that have gone without a word. */
const KEEP_ALIVE_MILLIS = 30_000;

/** Requests that may come at once before the rate counts. */
const BURST_SECONDS = 5;

export interface ConnectionHooks {
  /** Called once, when the client has logged in. */
  onLogin(): void;
}

/** One client on a socket, from the greeting to the end. */
export class ManagerConnection {
  readonly #socket: Socket;
  readonly #parts: GatewayParts;
  readonly #logins: Logins;
  readonly #hooks: ConnectionHooks;
  readonly #address: string;
  readonly #parser = new RequestParser();
  readonly #requests: TokenBucket;
  /** Aborts when the socket is closed. */
  readonly #closed = new AbortController();
  #dialogue: Dialogue = NEW_DIALOGUE;
  #admitted: Admitted | undefined;
  #reader: SocketReader | undefined;
  /** FullyBooted, while events are held. */
  #heldEvent = "";
  #holdTimer: NodeJS.Timeout | undefined;
  #writeTimer: NodeJS.Timeout | undefined;
  #isEnding = false;
  /** Whether this side ended the connection before the client did. */
  #endedFirst = false;

  constructor(socket: Socket, parts: GatewayParts, logins: Logins, hooks: ConnectionHooks) {
    this.#socket = socket;
    this.#parts = parts;
    this.#logins = logins;
    this.#hooks = hooks;
    this.#address = socket.remoteAddress ?? "";
    const { requestsPerSecond } = parts.limits;
    this.#requests = new TokenBucket(parts.clock, requestsPerSecond, requestsPerSecond * BURST_SECONDS);
  }

  /** Serves the client until one side closes. Never rejects. */
  async run(): Promise<void> {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MILLIS);
    socket.on("error", () => socket.destroy());
    socket.on("drain", () => this.#onDrain());
    socket.once("close", () => this.#closed.abort());
    const authTimer = setTimeout(() => socket.destroy(), this.#parts.limits.authTimeoutMillis);
    try {
      this.#write(greeting(this.#parts.fanouts.greetedVersion));
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        for (const request of this.#parser.feed(chunk)) {
          await this.#pace();
          await this.#process(request);
          if (this.#admitted !== undefined) clearTimeout(authTimer);
          if (this.#isEnding) break;
        }
        if (this.#isEnding) break;
      }
      if (!this.#isEnding) this.close();
      // A socket that nobody reads never says that its peer has closed.
      socket.resume();
      if (!socket.closed) await once(socket, "close").catch(() => undefined);
    } catch (error) {
      if (!socket.destroyed)
        this.#parts.log.error("an AMI connection failed", { address: this.#address, error });
      socket.destroy();
    } finally {
      clearTimeout(authTimer);
      await this.#leave();
    }
  }

  /** Closes after what was written so far, on a message border. Safe to repeat. */
  close(): void {
    if (!this.#isEnding) this.#endedFirst = !this.#socket.readableEnded;
    this.#isEnding = true;
    this.#reader?.end();
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), CLOSE_WITHIN_MILLIS);
    socket.once("close", () => clearTimeout(timer));
  }

  async #leave(): Promise<void> {
    clearTimeout(this.#holdTimer);
    clearTimeout(this.#writeTimer);
    this.#reader?.end();
    const { writableFinished, readableEnded } = this.#socket;
    const isAnswered = this.#endedFirst && writableFinished && readableEnded;
    await this.#admitted?.leave(isAnswered && (await this.#reader?.isReceived()));
  }

  async #pace(): Promise<void> {
    for (let wait = this.#requests.delayMillis(); wait > 0; wait = this.#requests.delayMillis()) {
      await this.#parts.clock.sleep(wait, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
    }
    // A client that reads no answers gets no more of them.
    if (this.#socket.writableNeedDrain && !this.#closed.signal.aborted)
      await once(this.#socket, "drain", { signal: this.#closed.signal }).catch(() => undefined);
  }

  async #process(request: AmiRequest): Promise<void> {
    const world = worldOf(this.#parts, this.#admitted?.feed);
    const outcome = handle(this.#dialogue, request, world, this.#parts.challenge);
    switch (outcome.kind) {
      case "answer":
        this.#change(outcome.dialogue);
        this.#write(outcome.text);
        break;
      case "close":
        this.#write(outcome.text);
        this.close();
        return;
      case "authenticate":
        await this.#login(request, outcome.username, outcome.proof);
        return;
      case "wait":
        this.#release();
        await this.#wait(request, outcome.timeoutSeconds);
        break;
    }
    this.#release();
  }

  async #login(request: AmiRequest, username: string, proof: LoginProof): Promise<void> {
    const { signal } = this.#closed;
    const result = await this.#logins.login(username, proof, this.#address, signal);
    if ("refused" in result) {
      await this.#parts.clock.sleep(this.#parts.limits.failureDelayMillis, signal);
      this.#write(loginRefused(request, result.refused));
      this.close();
      return;
    }
    this.#admitted = result;
    if (signal.aborted) return;
    const { lost } = result.position;
    lost.addEventListener("abort", () => this.close(), { once: true });
    const { dialogue, text, event } = loggedIn(
      this.#dialogue,
      request,
      result.user,
      worldOf(this.#parts, result.feed),
    );
    this.#dialogue = dialogue;
    this.#reader = this.#openReader(result, dialogue.login);
    this.#hooks.onLogin();
    this.#write(text);
    this.#heldEvent = event;
    this.#holdTimer = setTimeout(() => this.#release(), this.#parts.limits.loginHoldMillis);
    if (lost.aborted) this.close();
  }

  #openReader({ position, feed }: Admitted, login: Login | undefined): SocketReader | undefined {
    if (login === undefined) return undefined;
    return new SocketReader({
      socket: this.#socket,
      position,
      fanout: feed.fanout,
      acknowledgements: login.user.resume ? this.#parts.acknowledgements : undefined,
      clock: this.#parts.clock,
      onFull: () => this.#onFull(),
      onStalled: () => this.#onStalled(),
      view: this.#viewOf(login),
      onFailure: (error) => {
        this.#parts.log.warn("an AMI connection is closed: its events cannot be read", {
          session: login.user.session,
          error,
        });
        this.close();
      },
    });
  }

  #viewOf({ mask, filters, user }: Login) {
    return viewOf(
      { feed: user.feed, mask, filters, sequenceHeader: user.sequenceHeader },
      this.#parts.judgeOf,
    );
  }

  #change(dialogue: Dialogue): void {
    const { login } = dialogue;
    const isChanged = login !== this.#dialogue.login;
    this.#dialogue = dialogue;
    if (isChanged && login !== undefined) this.#reader?.change(this.#viewOf(login));
  }

  /** Some clients lose what comes in the same segment as the login's answer, so events wait for a while. */
  #release(): void {
    if (this.#reader === undefined || this.#isEnding) return;
    clearTimeout(this.#holdTimer);
    const event = this.#heldEvent;
    this.#heldEvent = "";
    if (event !== "") this.#write(event);
    this.#reader.start();
  }

  /** WaitEvent: ends with the first events, with any input, or after the timeout. */
  async #wait(request: AmiRequest, timeoutSeconds: number | undefined): Promise<void> {
    const ended = new AbortController();
    const end = () => ended.abort();
    const socket = this.#socket;
    socket.once("readable", end);
    socket.once("close", end);
    const timer =
      timeoutSeconds === undefined ? undefined : setTimeout(end, 1000 * Math.min(timeoutSeconds, 86_400));
    if (socket.readableLength > 0) end();
    const events = (await this.#reader?.collect(ended.signal)) ?? Buffer.alloc(0);
    clearTimeout(timer);
    socket.off("readable", end);
    socket.off("close", end);
    if (!socket.writable) return;
    this.#reader?.collected(Buffer.from(waited(request, events.toString("latin1")), "latin1"));
  }

  #write(text: string): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    if (this.#socket.write(text, "latin1")) return;
    this.#reader?.filled();
    this.#onFull();
  }

  #onFull(): void {
    this.#writeTimer ??= setTimeout(
      () => this.#onDead("an AMI client reads nothing, and its connection is closed"),
      this.#parts.limits.writeTimeoutMillis,
    );
  }

  #onStalled(): void {
    this.#onDead("an AMI client acknowledges nothing, and its connection is closed");
  }

  #onDead(message: string): void {
    if (this.#isEnding) return;
    this.#parts.log.warn(message, { session: this.#admitted?.user.session, address: this.#address });
    this.close();
  }

  #onDrain(): void {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    this.#reader?.drained();
  }
}
