import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "undici";
import { type Fetch, RelayClient } from "../../client/index.ts";
import { startFlags } from "../../test/support/startFlags.ts";
import type { Snapshot } from "./relayProcess.ts";

/** A relay in a separate process. */
export class RelayUnderTest extends RelayClient implements AsyncDisposable {
  readonly #process;
  readonly #agent: Agent;

  private constructor(process: ReturnType<typeof fork>, { url, apiKey }: Snapshot) {
    const agent = new Agent({ connections: 64 });
    super({ url, apiKey, fetch: leanFetch(agent) });
    this.#process = process;
    this.#agent = agent;
  }

  /** @param environment added to this process's environment for the relay */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<RelayUnderTest> {
    const child = fork(new URL("./relayProcess.ts", import.meta.url), {
      env: { ...process.env, ...environment },
      execArgv: startFlags(),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const [first] = (await once(child, "message")) as [Snapshot];
    return new RelayUnderTest(child, first);
  }

  async snapshot(): Promise<Snapshot> {
    this.#process.send("snapshot");
    const [answer] = (await once(this.#process, "message")) as [Snapshot];
    return answer;
  }

  /** Appends without a producer, so no event is a duplicate whose number is freed. Always returns numbers. */
  async appendAndNumber(feed: string, lines: readonly string[]): Promise<{ first: number; last: number }> {
    const { first, last } = await this.append(feed, lines);
    if (first === null || last === null) throw new Error(`an append to ${feed} was not given numbers`);
    return { first, last };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.disconnect();
    await exit;
    await this.#agent.close();
  }
}

/** Replaces `fetch` for the client at a fraction of its cost, because the cost of sending is measured too. */
function leanFetch(dispatcher: Agent): Fetch {
  return async (url, { method, headers, body = null }) => {
    const answer = await request(url, { dispatcher, method: method as "GET", headers, body });
    const text = await answer.body.text();
    const status = answer.statusCode;
    return { status, ok: status < 300, headers: new Headers(), text: async () => text };
  };
}
