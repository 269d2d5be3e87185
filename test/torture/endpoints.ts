import { setTimeout as pause } from "node:timers/promises";
import { parseWebhook } from "../../client/index.ts";
import { NodeReceiver } from "../../client/nodeReceiver.ts";
import { type Delivery, deliveryOf } from "../support/witnessed.ts";

/** Each endpoint's response status, by path. */
export const BEHAVIOURS = {
  "/fast": async () => 204,
  "/other": async () => 200,
  "/slow": () => pause(40, 204),
  "/failing": async (random) => (random("failing") < 0.05 ? 503 : 204),
  // No response before the relay's timeout, although the endpoint accepted the batch.
  "/hanging": async (random) => (random("hanging") < 0.03 ? new Promise<number>(() => {}) : 204),
} satisfies Record<string, (random: (name: string) => number) => Promise<number>>;

/** Real HTTP endpoints that record their deliveries compactly. */
export class Endpoints implements AsyncDisposable {
  readonly deliveries: readonly Delivery[];
  readonly #receiver: NodeReceiver;

  private constructor(receiver: NodeReceiver, deliveries: readonly Delivery[]) {
    this.#receiver = receiver;
    this.deliveries = deliveries;
  }

  static async start(random: (name: string) => number): Promise<Endpoints> {
    const deliveries: Delivery[] = [];
    const receiver = await NodeReceiver.start({
      answer: async ({ path, headers, body }) => {
        deliveries.push(deliveryOf(String(headers["webhook-id"]), parseWebhook(body)));
        return { status: await BEHAVIOURS[path as keyof typeof BEHAVIOURS](random) };
      },
    });
    return new Endpoints(receiver, deliveries);
  }

  url(path: string): string {
    return this.#receiver.url(path);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#receiver[Symbol.asyncDispose]();
  }
}
