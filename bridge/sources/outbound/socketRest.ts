import * as z from "zod";
import { parsed } from "../ari/ariMarks.ts";
import { SourceError } from "../sourceError.ts";
import { outboundStatusLoss } from "./outboundFailure.ts";

const RESPONSE = Buffer.from('"RESTResponse"');

/** Asterisk: res/ari/ari_websocket_requests.c, `send_rest_response`. */
const responseSchema = z.object({
  type: z.literal("RESTResponse"),
  request_id: z.string(),
  status_code: z.number(),
  message_body: z.string().optional(),
});

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SourceError) => void;
}

/**
 * ARI's requests over the socket that brings the events.
 * https://docs.asterisk.org/Configuration/Interfaces/Asterisk-REST-Interface-ARI/ARI-REST-over-WebSocket
 */
export class SocketRest {
  readonly #send: (text: string) => void;
  readonly #pbx: string;
  readonly #pending = new Map<string, Pending>();
  #sent = 0;

  /** @param pbx its name for messages */
  constructor(send: (text: string) => void, pbx: string) {
    this.#send = send;
    this.#pbx = pbx;
  }

  /** @throws SourceError */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    this.#sent += 1;
    const id = `relay-${this.#sent}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const giveUp = () => {
      this.#pending.delete(id);
      reject(
        new SourceError({
          code: "timeout",
          message: `${this.#pbx} does not answer requests over its WebSocket in time (Asterisk 20.14, 22.4 or newer does)`,
        }),
      );
    };
    if (signal.aborted) giveUp();
    else {
      signal.addEventListener("abort", giveUp, { once: true });
      this.#pending.set(id, { resolve, reject });
      this.#send(JSON.stringify({ type: "RESTRequest", request_id: id, method: "GET", uri: path }));
    }
    return promise.finally(() => signal.removeEventListener("abort", giveUp));
  }

  /** Takes a message that is an answer, also one that came too late. Returns false for events. */
  take(message: Buffer): boolean {
    if (!message.includes(RESPONSE)) return false;
    const response = responseSchema.safeParse(parsed(message));
    if (!response.success) return false;
    const { request_id, status_code, message_body } = response.data;
    const pending = this.#pending.get(request_id);
    this.#pending.delete(request_id);
    if (status_code >= 300) pending?.reject(new SourceError(outboundStatusLoss(status_code, this.#pbx)));
    else pending?.resolve(parsed(Buffer.from(message_body ?? "")));
    return true;
  }

  fail(error: SourceError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) each.reject(error);
  }
}
