import type { PositionConflictError } from "../../shared/errors.ts";
import type { Appender } from "./append.ts";
import type { Submission } from "./appendPlan.ts";
import type { AppendResult } from "./appendResult.ts";

type Result = AppendResult | PositionConflictError;

interface Waiting {
  readonly submissions: readonly Submission[];
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One append at a time per feed and process. Requests that arrive during an append go into the next one together. So
 * the requests of a process never race each other for a number, and under load small requests share pages, which makes
 * them cheap.
 */
export class GroupCommit {
  readonly #appender: Pick<Appender, "append">;
  /** Feeds with an append in flight, each with the requests that wait for it. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(appender: Pick<Appender, "append">) {
    this.#appender = appender;
  }

  append(feed: string, submissions: readonly Submission[]): Promise<Result[]> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(feed);
      if (waiting) waiting.push({ submissions, resolve, reject });
      else {
        this.#waiting.set(feed, [{ submissions, resolve, reject }]);
        void this.#run(feed);
      }
    });
  }

  async #run(feed: string): Promise<void> {
    for (let group = this.#next(feed); group.length > 0; group = this.#next(feed)) {
      try {
        const results = await this.#appender.append(
          feed,
          group.flatMap(({ submissions }) => submissions),
        );
        let from = 0;
        for (const { submissions, resolve } of group) {
          resolve(results.slice(from, from + submissions.length));
          from += submissions.length;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#waiting.delete(feed);
  }

  #next(feed: string): Waiting[] {
    const group = this.#waiting.get(feed) ?? [];
    this.#waiting.set(feed, []);
    return group;
  }
}
