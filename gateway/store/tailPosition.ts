import type { Sequence } from "../../shared/queue/sequence.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { AmiSession } from "../../shared/sessions/session.ts";
import type { OpenPosition, PositionLoss } from "../positions.ts";

export interface TailPositionParts {
  /** The user as stored now. */
  readUser(sessionId: string): Promise<AmiSession | undefined>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A connection of a user who was changed, paused or deleted ends within this time. */
const LOOK_EVERY_MILLIS = 10_000;

/** The position of a user without `resume`. Nothing is stored; the user is looked at, as a change of it ends the connection. */
export class TailPosition implements OpenPosition {
  readonly next: Sequence;
  readonly #parts: TailPositionParts;
  readonly #user: AmiSession;
  readonly #lost = new AbortController();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(parts: TailPositionParts, user: AmiSession, next: Sequence) {
    this.#parts = parts;
    this.#user = user;
    this.next = next;
    this.#running = this.#run();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  advance(): undefined {}

  close(): Promise<void> {
    this.#closing.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const over = AbortSignal.any([this.#lost.signal, this.#closing.signal]);
    const { session } = this.#user;
    while (!over.aborted) {
      await clock.sleep(LOOK_EVERY_MILLIS, over);
      if (over.aborted) return;
      try {
        const loss = lossOf(this.#user, await this.#parts.readUser(session));
        if (loss !== undefined) this.#lost.abort(loss);
      } catch (error) {
        log.warn("an AMI user could not be read; its connection goes on", { session, error });
      }
    }
  }
}

function lossOf(then: AmiSession, now: AmiSession | undefined): PositionLoss | undefined {
  if (now === undefined) return "deleted";
  if (now.isPaused) return "paused";
  return now.version === then.version ? undefined : "changed";
}
