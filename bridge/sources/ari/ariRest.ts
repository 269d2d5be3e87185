import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
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

  constructor(options: AriRestOptions) {
    this.#options = options;
  }

  /** @throws SourceError */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#call("GET", path, signal);
  }

  /** @throws SourceError */
  async put(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    return this.#call("PUT", path, signal, JSON.stringify(body));
  }

  async #call(method: "GET" | "PUT", path: string, signal: AbortSignal, body?: string): Promise<unknown> {
    const { peer } = this.#options;
    let text: string;
    let status: number;
    try {
      const answer = await this.#answer(method, path, signal, body);
      status = answer.statusCode ?? 0;
      text = await textOf(answer);
    } catch (error) {
      throw new SourceError(ariNetworkLoss(signal.aborted ? signal.reason : error, peer), error);
    }
    if (status >= 300) throw new SourceError(ariStatusLoss(status, peer, method === "PUT"));
    try {
      return text === "" ? undefined : JSON.parse(text);
    } catch (error) {
      throw new SourceError({ code: "protocol", message: `${peer.host} answers with no JSON` }, error);
    }
  }

  #answer(method: string, path: string, signal: AbortSignal, body?: string): Promise<IncomingMessage> {
    const { base, authorization, tls, timeoutMillis } = this.#options;
    const url = new URL(path, base);
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        ...tlsOptions(tls),
        method,
        agent: false,
        signal,
        timeout: timeoutMillis,
        headers: { authorization, "content-type": "application/json" },
      });
      sent.once("response", resolve);
      sent.on("error", reject);
      sent.once("timeout", () => sent.destroy(withCode("no answer in time", "ETIMEDOUT")));
      sent.end(body);
    });
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw withCode("the answer is too large", "EMSGSIZE");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function withCode(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
