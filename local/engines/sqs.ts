import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdir } from "node:fs/promises";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import type { Engine } from "./engine.ts";

export interface SqsOptions {
  /** Where to keep queues and messages; without it they are held in memory. */
  readonly dataDirectory?: string;
}

/** Starts the embedded SQS in this process, on a free loopback port. */
export async function startSqs(options: SqsOptions = {}): Promise<Engine> {
  if (options.dataDirectory !== undefined) await mkdir(options.dataDirectory, { recursive: true });
  const server = await onLoopbackOnly(() =>
    startFauxqs({
      port: 0,
      logger: false,
      ...(options.dataDirectory === undefined ? {} : { dataDir: options.dataDirectory }),
    }),
  );
  return { endpoint: `http://127.0.0.1:${server.port}`, close: () => server.stop() };
}

/** What is used here of the Fastify instance inside the engine. */
interface Listening {
  listen(options: { port: number; host: string }): Promise<string>;
}

/**
 * fauxqs always listens on every interface, with no check of who calls: anyone on the network could then put
 * messages into the queues. It has no option for this, but Fastify announces each new instance on a documented
 * diagnostics channel, and there the address can be corrected.
 */
async function onLoopbackOnly(start: () => Promise<FauxqsServer>): Promise<FauxqsServer> {
  const correctAddress = (message: unknown) => {
    const { fastify } = message as { fastify: Listening };
    const listen = fastify.listen.bind(fastify);
    fastify.listen = (options) => listen({ ...options, host: "127.0.0.1" });
  };
  subscribe("fastify.initialization", correctAddress);
  try {
    return await start();
  } finally {
    unsubscribe("fastify.initialization", correctAddress);
  }
}
