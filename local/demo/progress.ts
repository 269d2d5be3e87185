import type { Session } from "../../client/index.ts";

/** What the demo knows of its own sessions beside what the relay says, by session id. */
export type OwnSessions = ReadonlyMap<string, { readonly name: string; readonly delivered: () => number }>;

/**
 * Says what moved: one line for each session whose line differs from the one before. Sessions that a person adds are
 * followed too; of them the relay knows where they stand, but not what their receivers got.
 */
export class Progress {
  readonly #own: OwnSessions;
  readonly #lastLines = new Map<string, string>();

  constructor(own: OwnSessions) {
    this.#own = own;
  }

  changed(sessions: readonly Session[]): string[] {
    return sessions.flatMap((session) => {
      const line = this.#describe(session);
      if (this.#lastLines.get(session.id) === line) return [];
      this.#lastLines.set(session.id, line);
      return [line];
    });
  }

  #describe(session: Session): string {
    const own = this.#own.get(session.id);
    const name = (own?.name ?? `${session.feed}/${session.id}`).padEnd(12);
    const position = own ? `delivered ${count(own.delivered())}` : `next ${count(session.next)}`;
    const attempts = session.attempts > 0 ? ` (attempt ${session.attempts})` : "";
    return `${name} ${position}   lag ${count(session.lagMessages)}   ${session.state}${attempts}`;
  }
}

function count(number: number): string {
  return String(number).padStart(5);
}
