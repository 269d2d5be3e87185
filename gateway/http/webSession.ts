import { viewOf } from "../fanout/view.ts";
import { success } from "../protocol/answers.ts";
import {
  type Dialogue,
  handle,
  type Login,
  loggedIn,
  loginRefused,
  NEW_DIALOGUE,
  waited,
} from "../protocol/dialogue.ts";
import type { LoginProof } from "../protocol/proof.ts";
import type { AmiRequest } from "../protocol/request.ts";
import type { Admitted, Logins } from "../server/logins.ts";
import { type GatewayParts, worldOf } from "../server/parts.ts";
import type { AmiUser } from "../users.ts";
import { type Gathered, WebReader } from "./webReader.ts";

/** A session that is not logged in lives this long. Asterisk: main/manager.c, `generic_http_callback`. */
const ANONYMOUS_MILLIS = 5_000;

/** WaitEvent ends this long before the session would. */
const WAIT_SPARE_MILLIS = 10_000;

/** An answer, and what to do when it was sent or not. */
export interface WebAnswer {
  /** Bytes, one character for each. */
  readonly text: string;
  readonly events?: Gathered | undefined;
}

/** A Manager session over HTTP, which lives from request to request. */
export class WebSession {
  readonly #parts: GatewayParts;
  readonly #logins: Logins;
  readonly #address: string;
  #dialogue: Dialogue = NEW_DIALOGUE;
  #admitted: Admitted | undefined;
  #reader: WebReader | undefined;
  /** Ends a WaitEvent that a second one replaces. */
  #waiting: AbortController | undefined;
  /** Settles when the last WaitEvent has ended. */
  #turn: Promise<void> = Promise.resolve();
  #requests = 0;
  #expiresAtEpochMillis: number;
  isEnded = false;

  constructor(parts: GatewayParts, logins: Logins, address: string) {
    this.#parts = parts;
    this.#logins = logins;
    this.#address = address;
    this.#expiresAtEpochMillis = parts.clock.nowEpochMillis() + ANONYMOUS_MILLIS;
  }

  get isLoggedIn(): boolean {
    return this.#dialogue.login !== undefined;
  }

  get user(): AmiUser | undefined {
    return this.#dialogue.login?.user;
  }

  /** Whether anything must be remembered until the next request. */
  get isWorthKeeping(): boolean {
    return !this.isEnded && (this.isLoggedIn || this.#dialogue.challenge !== undefined);
  }

  isExpired(nowEpochMillis: number): boolean {
    return this.isEnded || (this.#requests === 0 && nowEpochMillis >= this.#expiresAtEpochMillis);
  }

  /** Asterisk's version, as far as it is known. */
  get version(): string {
    return this.#admitted?.feed.tracker.pbx.version ?? this.#parts.fanouts.greetedVersion;
  }

  async answer(request: AmiRequest, signal: AbortSignal): Promise<WebAnswer> {
    this.#requests += 1;
    try {
      return await this.#answer(request, signal);
    } finally {
      this.#requests -= 1;
      const { httpTimeoutMillis } = this.#parts.limits;
      this.#expiresAtEpochMillis =
        this.#parts.clock.nowEpochMillis() +
        (this.isLoggedIn ? httpTimeoutMillis : Math.min(ANONYMOUS_MILLIS, httpTimeoutMillis));
    }
  }

  /** Logs in a user whose digest was right; false when there is no place for another session. */
  async admit(user: AmiUser, signal: AbortSignal): Promise<boolean> {
    const result = await this.#logins.admit(user, this.#address, signal);
    if ("refused" in result) return false;
    this.#begin(result, { lines: [] });
    return true;
  }

  /** Never rejects; safe to repeat. */
  async end(): Promise<void> {
    this.isEnded = true;
    this.#waiting?.abort();
    this.#reader?.end();
    await this.#admitted?.leave();
  }

  async #answer(request: AmiRequest, signal: AbortSignal): Promise<WebAnswer> {
    const world = worldOf(this.#parts, this.#admitted?.feed);
    const outcome = handle(this.#dialogue, request, world, this.#parts.challenge);
    switch (outcome.kind) {
      case "answer":
        this.#change(outcome.dialogue);
        return { text: outcome.text };
      case "close":
        await this.end();
        return { text: outcome.text };
      case "authenticate":
        return { text: await this.#login(request, outcome.username, outcome.proof, signal) };
      case "wait":
        return this.#wait(request, outcome.timeoutSeconds, signal);
    }
  }

  async #login(
    request: AmiRequest,
    username: string,
    proof: LoginProof,
    signal: AbortSignal,
  ): Promise<string> {
    const result = await this.#logins.login(username, proof, this.#address, signal);
    if ("refused" in result) {
      await this.#parts.clock.sleep(this.#parts.limits.failureDelayMillis, signal);
      await this.end();
      return loginRefused(request, result.refused);
    }
    if (this.isEnded || this.isLoggedIn) {
      // Another request of the same session was faster.
      await result.leave();
      return success(request, "Already authenticated");
    }
    return this.#begin(result, request);
  }

  #begin(admitted: Admitted, request: AmiRequest): string {
    const { user, position, feed } = admitted;
    const { dialogue, text, event } = loggedIn(this.#dialogue, request, user, worldOf(this.#parts, feed));
    this.#dialogue = dialogue;
    this.#admitted = admitted;
    if (dialogue.login)
      this.#reader = new WebReader({
        position,
        fanout: feed.fanout,
        clock: this.#parts.clock,
        view: this.#viewOf(dialogue.login),
      });
    position.lost.addEventListener("abort", () => void this.end(), { once: true });
    if (position.lost.aborted) void this.end();
    return text + event;
  }

  #viewOf({ mask, filters, user }: Login) {
    return viewOf(
      { feed: user.feed, mask, filters, sequenceHeader: user.sequenceHeader },
      this.#parts.judgeOf,
    );
  }

  #change(dialogue: Dialogue): void {
    this.#dialogue = dialogue;
    if (dialogue.login !== undefined && this.#reader) this.#reader.view = this.#viewOf(dialogue.login);
  }

  /** A second WaitEvent ends the first, which gets nothing. Asterisk: main/manager.c, `action_waitevent_http`. */
  async #wait(
    request: AmiRequest,
    timeoutSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<WebAnswer> {
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { login } = this.#dialogue;
    // WaitEvent turns events on.
    if (login?.mask === 0) this.#change({ ...this.#dialogue, login: { ...login, mask: login.readable } });
    // One after the other: the first gives back what it has before the second takes it.
    const turn = this.#turn.then(() => this.#gather(waiting, timeoutSeconds, signal));
    this.#turn = turn.then(
      () => {},
      () => {},
    );
    const events = await turn;
    if (events === undefined) return { text: "" };
    return { text: waited(request, events.bytes.toString("latin1")), events };
  }

  /** Undefined when another request waits now. */
  async #gather(
    waiting: AbortController,
    timeoutSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<Gathered | undefined> {
    if (this.#waiting !== waiting) return undefined;
    const now = this.#parts.clock.nowEpochMillis();
    const longest = Math.max(0, this.#expiresAtEpochMillis - now - WAIT_SPARE_MILLIS);
    const timeoutMillis = timeoutSeconds === undefined ? longest : Math.min(1000 * timeoutSeconds, longest);
    const events = await this.#reader?.gather(timeoutMillis, AbortSignal.any([signal, waiting.signal]));
    if (this.#waiting === waiting) return events;
    events?.undo();
    return undefined;
  }
}
