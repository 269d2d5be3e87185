import { Agent, type Dispatcher, request } from "undici";
import { SourceError } from "../sourceError.ts";
import { type TlsTrust, tlsOptions } from "../tlsTrust.ts";
import { type AriPeer, ariNetworkLoss, ariStatusLoss } from "./ariFailure.ts";

/** A list of 50,000 channels. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface AriRestOptions {
  /** Ends with `/ari/`. */
  readonly base: URL;
  readonly peer: AriPeer;
  readonly authorization: string;
  readonly tls: TlsTrust;
  readonly timeoutMillis: number;
}

/** ARI over HTTP. Each request has a connection of its own: Asterisk closes idle ones, and requests are rare. */
export class AriRest {
  readonly #options: AriRestOptions;
  readonly #agent: Agent;

  constructor(options: AriRestOptions) {
    this.#options = options;
    this.#agent = new Agent({
      connect: { ...tlsOptions(options.tls), timeout: options.timeoutMillis },
      headersTimeout: options.timeoutMillis,
      bodyTimeout: options.timeoutMillis,
      maxResponseSize: MAX_ANSWER_BYTES,
      pipelining: 0,
    });
  }

  /** @throws SourceError */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#call(path, { method: "GET", signal });
  }

  /** @throws SourceError */
  async put(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    return this.#call(path, { method: "PUT", signal, body: JSON.stringify(body) });
  }

  async #call(
    path: string,
    options: { method: "GET" | "PUT"; signal: AbortSignal; body?: string },
  ): Promise<unknown> {
    const { base, peer, authorization } = this.#options;
    let text: string;
    let status: number;
    try {
      const answer: Dispatcher.ResponseData = await request(new URL(path, base), {
        ...options,
        dispatcher: this.#agent,
        headers: { authorization, "content-type": "application/json" },
      });
      status = answer.statusCode;
      text = await answer.body.text();
    } catch (error) {
      throw new SourceError(ariNetworkLoss(error, peer), error);
    }
    if (status >= 300) throw new SourceError(ariStatusLoss(status, peer, options.method === "PUT"));
    try {
      return text === "" ? undefined : JSON.parse(text);
    } catch (error) {
      throw new SourceError({ code: "protocol", message: `${peer.host} answers with no JSON` }, error);
    }
  }
}
