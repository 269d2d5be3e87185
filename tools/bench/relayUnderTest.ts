import { fork } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "undici";
import type { Snapshot } from "./relayProcess.ts";

/** A relay in a separate process, and the calls that the scenarios make. */
export class RelayUnderTest implements AsyncDisposable {
  readonly #process;
  readonly #agent = new Agent({ connections: 64 });
  readonly #url: string;
  readonly #apiKey: string;

  private constructor(process: ReturnType<typeof fork>, { url, apiKey }: Snapshot) {
    this.#process = process;
    this.#url = url;
    this.#apiKey = apiKey;
  }

  /** @param environment added to this process's environment for the relay */
  static async start(environment: Readonly<Record<string, string>> = {}): Promise<RelayUnderTest> {
    const child = fork(new URL("./relayProcess.ts", import.meta.url), {
      env: { ...process.env, ...environment },
      // As `npm start` has it: without limits V8 lets garbage pile up to twice the memory, and is no faster for it.
      execArgv: ["--max-old-space-size=384", "--max-semi-space-size=4"],
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

  async append(feed: string, lines: readonly string[]): Promise<{ first: number; last: number }> {
    return (await this.#call(
      "POST",
      `/v1/feeds/${feed}/events`,
      202,
      "application/x-ndjson",
      lines.join("\n"),
    )) as {
      first: number;
      last: number;
    };
  }

  async createSession(session: Record<string, unknown>): Promise<string> {
    const created = await this.#call(
      "POST",
      "/v1/sessions",
      201,
      "application/json",
      JSON.stringify(session),
    );
    return (created as { id: string }).id;
  }

  async deleteSession(id: string): Promise<void> {
    await this.#call("DELETE", `/v1/sessions/${id}`, 204);
  }

  async #call(method: "POST" | "DELETE", path: string, expected: number, type?: string, body?: string) {
    const answer = await request(`${this.#url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#apiKey}`, ...(type ? { "content-type": type } : {}) },
      body: body ?? null,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== expected) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.disconnect();
    await exit;
    await this.#agent.close();
  }
}
