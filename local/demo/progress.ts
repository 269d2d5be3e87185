import type { Session } from "../../client/index.ts";
import { troubleOf } from "../trouble.ts";

/** The demo's own sessions by id: what they are called, and the first number that they get. */
export type OwnSessions = ReadonlyMap<string, { readonly name: string; readonly first: number }>;

/**
 * Says what moved: one line for each session whose line differs from the one before. Sessions that a person adds are
 * followed too, except AMI users without a position. Each line comes from one reading of the session, so what is delivered and the lag always add up.
 */
export class Progress {
  readonly #own: OwnSessions;
  readonly #lastLines = new Map<string, string>();
  #nameWidth = 0;

  constructor(own: OwnSessions) {
    this.#own = own;
  }

  changed(sessions: readonly Session[]): string[] {
    const moving = sessions.filter(({ next }) => next !== null);
    for (const session of moving) this.#nameWidth = Math.max(this.#nameWidth, this.#nameOf(session).length);
    return moving.flatMap((session) => {
      const text = this.#describe(session);
      if (this.#lastLines.get(session.id) === text) return [];
      this.#lastLines.set(session.id, text);
      return [`${this.#nameOf(session).padEnd(this.#nameWidth)}  ${text}`];
    });
  }

  #nameOf({ id, feed }: Session): string {
    return this.#own.get(id)?.name ?? `${feed}/${id}`;
  }

  #describe(session: Session): string {
    const own = this.#own.get(session.id);
    const state = troubleOf(session) ?? session.state;
    const { next, lagMessages } = session;
    if (next === null || lagMessages === null) return state;
    const passed = next - (own?.first ?? 1);
    const verb = own === undefined ? "passed   " : "delivered";
    const all = passed + lagMessages;
    return `${verb} ${count(passed)} of ${count(all)}   lag ${count(lagMessages)}   ${state}`;
  }
}

function count(number: number): string {
  return String(number).padStart(5);
}
