import { z } from "zod";

/** What the demo reads of the relay's answers; there is more in them. */
const createdSession = z.object({ id: z.string(), secret: z.string() });
const sessionState = z.object({
  id: z.string(),
  feed: z.string(),
  url: z.string(),
  state: z.string(),
  next: z.number(),
  lagMessages: z.number(),
  attempts: z.number(),
});
const sessionList = z.object({ sessions: z.array(sessionState) });
const accepted = z.object({
  first: z.number().nullish(),
  last: z.number().nullish(),
  accepted: z.number(),
  duplicates: z.number(),
  refused: z.array(z.object({ index: z.number(), error: z.string() })),
});

export type CreatedSession = z.infer<typeof createdSession>;
export type SessionState = z.infer<typeof sessionState>;
export type Accepted = z.infer<typeof accepted>;

export interface NewSession {
  readonly feed: string;
  readonly url: string;
  readonly maxBatch: number;
}

export interface EventBatch {
  readonly feed: string;
  /** Names the sender; with the position of the first event it makes sending again safe. */
  readonly producer: string;
  readonly position: number;
  readonly lines: readonly string[];
}

/** The relay answered, but not with success. */
export class RelayAnswerError extends Error {
  readonly status: number;

  constructor(call: string, status: number, body: string) {
    super(`${call} was answered with ${status}: ${body.slice(0, 500)}`);
    this.name = "RelayAnswerError";
    this.status = status;
  }
}

/** The calls of the relay's API that the demo uses, made as any user would make them. */
export class RelayClient {
  readonly #url: string;
  readonly #apiKey: string;

  constructor(url: string, apiKey: string) {
    this.#url = url;
    this.#apiKey = apiKey;
  }

  async createSession(session: NewSession): Promise<CreatedSession> {
    const body = JSON.stringify({ ...session, kind: "webhook", format: "stasis", from: "tail" });
    const headers = { "content-type": "application/json" };
    return createdSession.parse(await this.#call("POST", "/v1/sessions", { body, headers }));
  }

  async listSessions(): Promise<SessionState[]> {
    return sessionList.parse(await this.#call("GET", "/v1/sessions")).sessions;
  }

  async deleteSession(id: string): Promise<void> {
    await this.#call("DELETE", `/v1/sessions/${id}`);
  }

  async postEvents(batch: EventBatch): Promise<Accepted> {
    const headers = {
      "content-type": "application/x-ndjson",
      "relay-producer": batch.producer,
      "relay-position": String(batch.position),
    };
    const body = `${batch.lines.join("\n")}\n`;
    return accepted.parse(await this.#call("POST", `/v1/feeds/${batch.feed}/events`, { body, headers }));
  }

  async #call(
    method: string,
    path: string,
    content: { body?: string; headers?: Record<string, string> } = {},
  ): Promise<unknown> {
    const response = await fetch(this.#url + path, {
      method,
      ...content,
      headers: { ...content.headers, authorization: `Bearer ${this.#apiKey}` },
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    if (!response.ok) throw new RelayAnswerError(`${method} ${path}`, response.status, text);
    return text === "" ? undefined : JSON.parse(text);
  }
}
