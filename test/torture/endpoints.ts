import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Delivery, deliveryOf } from "../support/witnessed.ts";

/** How each endpoint behaves, by its path. */
export const BEHAVIOURS = {
  "/fast": async (answer) => answer(204),
  "/other": async (answer) => answer(200),
  "/slow": async (answer) => {
    await pause(40);
    answer(204);
  },
  "/failing": async (answer, random) => answer(random("failing") < 0.05 ? 503 : 204),
  // No answer within the relay's time; what it brought was taken all the same.
  "/hanging": async (answer, random) => {
    if (random("hanging") >= 0.03) answer(204);
  },
} satisfies Record<
  string,
  (answer: (status: number) => void, random: (name: string) => number) => Promise<void>
>;

/** Real HTTP endpoints that keep what they get, in few bytes. */
export class Endpoints implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  readonly #server: Server;

  private constructor(random: (name: string) => number) {
    this.#server = createServer(async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of incoming) chunks.push(chunk as Buffer);
      } catch {
        // The relay was killed in the middle of its request: nothing was received.
        return;
      }
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      this.deliveries.push(deliveryOf(String(incoming.headers["webhook-id"]), body));
      const behave = BEHAVIOURS[(incoming.url ?? "") as keyof typeof BEHAVIOURS];
      await behave((status) => end(outgoing, status), random);
    });
  }

  static async start(random: (name: string) => number): Promise<Endpoints> {
    const endpoints = new Endpoints(random);
    endpoints.#server.listen(0, "127.0.0.1");
    await once(endpoints.#server, "listening");
    return endpoints;
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function end(outgoing: ServerResponse, status: number): void {
  outgoing.writeHead(status).end();
}
