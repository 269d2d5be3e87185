import type { LinkLoss, PbxState, Source, SourceListener } from "../source.ts";
import { type Backoff, fullJitterMillis, RECONNECT_BACKOFF } from "./backoff.ts";
import { HeldEvents } from "./heldEvents.ts";
import type { Link, OpenLink } from "./link.ts";
import { type SourceRuntime, systemRuntime } from "./runtime.ts";
import { SourceError } from "./sourceError.ts";

export interface ReconnectOptions {
  readonly backoff?: Backoff;
  readonly runtime?: SourceRuntime;
}

const STOPPED: LinkLoss = { code: "stopped", message: "the bridge has left the PBX" };

interface Connection {
  readonly link: Link;
  isUp: boolean;
  end(loss: LinkLoss): void;
}

/**
 * A source that dials its PBX, and dials again after each loss:
 * connecting → up → waiting → connecting …, until `stop` or until another client takes the application.
 *
 * A PBX that accepts and then fails is not dialled in a tight loop: the wait grows with each failure in a row, and a
 * link counts as a success only after it has held for as long as the longest wait.
 */
export class ReconnectingSource implements Source {
  readonly #open: OpenLink;
  readonly #backoff: Backoff;
  readonly #runtime: SourceRuntime;
  #connection: Connection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(
    open: OpenLink,
    { backoff = RECONNECT_BACKOFF, runtime = systemRuntime }: ReconnectOptions = {},
  ) {
    this.#open = open;
    this.#backoff = backoff;
    this.#runtime = runtime;
  }

  start(listener: SourceListener): void {
    if (!this.#isStopped && this.#connection === undefined) this.#connect(listener);
  }

  cut(reason: "reader-too-slow"): void {
    this.#connection?.end({
      code: reason,
      message: "the bridge cut the link: events came faster than it could store them",
    });
  }

  async state(signal: AbortSignal): Promise<PbxState> {
    if (!this.#connection?.isUp) throw new SourceError({ code: "closed", message: "the link is down" });
    return this.#connection.link.state(signal);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    if (connection?.isUp) await connection.link.leave();
    connection?.end(STOPPED);
  }

  #connect(listener: SourceListener): void {
    const held = new HeldEvents((event) => listener.event(event));
    let isOver = false;
    let upSince = Number.POSITIVE_INFINITY;

    const end = (loss: LinkLoss) => {
      if (isOver) return;
      held.release();
      isOver = true;
      this.#connection = undefined;
      connection.link.destroy();
      if (this.#isStopped) {
        if (connection.isUp) listener.linkDown(STOPPED);
        return;
      }
      if (this.#runtime.monotonicMillis() - upSince >= this.#backoff.maxMillis) this.#failures = 0;
      const retryMillis = fullJitterMillis(this.#failures, this.#backoff, this.#runtime.random());
      this.#failures += 1;
      this.#retry = setTimeout(() => this.#connect(listener), retryMillis);
      if (connection.isUp) listener.linkDown(loss);
      else listener.connectFailed(loss, retryMillis);
    };

    const link = this.#open({
      up: (pbx) => {
        if (isOver || connection.isUp) return;
        connection.isUp = true;
        upSince = this.#runtime.monotonicMillis();
        listener.linkUp(pbx);
        held.release();
      },
      event: (format, body) => {
        if (!isOver) held.take({ format, body, receivedAtEpochMillis: this.#runtime.now() });
      },
      lost: end,
      takenOver: () => {
        if (isOver) return;
        this.#isStopped = true;
        end(STOPPED);
        listener.takenOver();
      },
    });
    const connection: Connection = { link, isUp: false, end };
    this.#connection = connection;
  }
}
