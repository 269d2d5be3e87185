import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { FauxqsServer } from "fauxqs";
import { RelayError } from "../../shared/errors.ts";
import { refusalBody, refusalOf } from "./callerCheck.ts";
import { createPrivateFile } from "./databaseFile.ts";
import type { DirectHandler } from "./direct.ts";
import { createPrivateDirectory } from "./directories.ts";
import type { Engine } from "./engine.ts";
import { releaseHiddenMessages } from "./hiddenMessages.ts";
import { withLongPolling } from "./longPoll.ts";
import { RecentFailures } from "./recentFailures.ts";
import { type Credentials, isSignedWith, newCredentials } from "./signature.ts";
import { directSqsHandler, internalFailureBody, routeByQueue, type SqsRoute } from "./sqsRoute.ts";

const TARGET_PREFIX = "AmazonSQS.";
const CONTENT_TYPE = "application/x-amz-json-1.0";
/** Operations that change what is kept. Receiving is none: it must go on, so that stopping is orderly. */
const WRITES = /^AmazonSQS\.(Send|Delete|Create|Set|Change)/;

export interface SqsOptions {
  /** Where to keep queues and messages; without it they are held in memory. */
  readonly dataDirectory?: string;
  /**
   * Queues that are held in memory all the same. Keeping a message takes three synchronous writes to the disk, which hold up
   * everything else in this process.
   */
  readonly unkept?: ReadonlySet<string>;
  /** Why nothing can be kept at present. */
  readonly fault?: () => string | undefined;
}

/** The file in which fauxqs keeps its queues. */
export function queueFileIn(dataDirectory: string): string {
  return join(dataDirectory, "fauxqs.db");
}

/** Starts the embedded SQS in this process, on a free loopback port, for callers that sign with its credentials. */
export async function startSqs(options: SqsOptions = {}): Promise<Engine> {
  const { dataDirectory, unkept = new Set(), fault = () => undefined } = options;
  if (dataDirectory !== undefined) {
    await createPrivateDirectory(dataDirectory);
    await createPrivateFile(queueFileIn(dataDirectory));
    releaseHiddenMessages(queueFileIn(dataDirectory), Date.now());
  }
  const startFauxqs = await loadFauxqs();
  const credentials = newCredentials();
  const failures = new RecentFailures();
  const check = { credentials, fault, failures };
  await using started = new AsyncDisposableStack();
  const closing = new AbortController();
  const start = async (options: { dataDir?: string }, outer: (route: SqsRoute) => SqsRoute) => {
    const nextVisible = (queue: string) => nextVisibleAtEpochMillis(running.server.inspectQueue(queue));
    const polling = (route: SqsRoute) => outer(withLongPolling(route, nextVisible, closing.signal));
    const running: { server: FauxqsServer; route: SqsRoute } = await behindCheck(check, polling, () =>
      startFauxqs({ port: 0, logger: false, ...options }),
    );
    started.defer(() => running.server.stop());
    return running;
  };
  const inMemory =
    dataDirectory === undefined || unkept.size === 0 ? undefined : await start({}, (route) => route);
  const { server, route } = await start(
    dataDirectory === undefined ? {} : { dataDir: dataDirectory },
    (route) => (inMemory === undefined ? route : routeByQueue(unkept, inMemory.route, route)),
  );
  started.defer(() => closing.abort());
  const running = started.move();
  return {
    endpoint: `http://127.0.0.1:${server.port}`,
    credentials,
    directHandler: directHandler(route, fault, failures),
    fault: () => fault() ?? failures.current(),
    // It runs in this process and ends with it.
    failure: new Promise(() => {}),
    close: () => running.disposeAsync(),
  };
}

/** When the next message of a queue becomes visible that is delayed or hidden. */
function nextVisibleAtEpochMillis(queue: ReturnType<FauxqsServer["inspectQueue"]>): number {
  const { delayed = [], inflight = [] } = queue?.messages ?? {};
  return [
    ...delayed.map(({ delayUntil = 0 }) => delayUntil),
    ...inflight.map((each) => each.visibilityDeadline),
  ].reduce((earliest, each) => Math.min(earliest, each), Number.POSITIVE_INFINITY);
}

function directHandler(
  route: SqsRoute,
  fault: () => string | undefined,
  failures: RecentFailures,
): DirectHandler {
  return directSqsHandler(route, {
    fault: (target) => (WRITES.test(target) ? fault() : undefined),
    failed: (target, error) => failures.failed(WRITES.test(target), `the embedded SQS fails: ${error}`),
    succeeded: (target) => failures.succeeded(WRITES.test(target)),
  });
}

/** The engine is an optional package: the bridge and the commands do without. */
async function loadFauxqs() {
  try {
    return (await import("fauxqs")).startFauxqs;
  } catch (cause) {
    throw new RelayError(
      "local.sqs",
      "the embedded SQS (fauxqs) is not installed: install this package without --omit=optional, " +
        "or set AWS_ENDPOINT_URL to a LocalStack or the like",
      { cause },
    );
  }
}

/** What is used here of the Fastify instance inside the engine. */
interface Fastify {
  listen(options: { port: number; host: string }): Promise<string>;
  addHook(
    name: "onRoute",
    hook: (route: { method: string | string[]; url: string; handler: SqsRoute }) => void,
  ): void;
  addHook(name: "onRequest", hook: (request: FastifyRequest, reply: Reply) => Promise<unknown>): void;
  addHook(
    name: "preParsing",
    hook: (request: FastifyRequest, reply: Reply, payload: AsyncIterable<Buffer>) => Promise<unknown>,
  ): void;
  addHook(
    name: "onError",
    hook: (request: FastifyRequest, reply: Reply, error: Error) => Promise<void>,
  ): void;
  addHook(name: "onResponse", hook: (request: FastifyRequest, reply: Reply) => Promise<void>): void;
}

interface FastifyRequest {
  readonly raw: IncomingMessage;
  /** Before the engine rewrites it for S3. */
  readonly originalUrl: string;
}

interface Reply {
  readonly statusCode: number;
  code(status: number): Reply;
  header(name: string, value: string): Reply;
  send(body: string): Reply;
}

interface Check {
  readonly credentials: Credentials;
  fault(): string | undefined;
  readonly failures: RecentFailures;
}

/**
 * fauxqs listens on every interface, takes any caller, and serves SNS and S3 as well: anyone on the network, or a page
 * in a browser, could put messages into the queues. It has no option for this, but Fastify announces each new instance
 * on a documented diagnostics channel. There the address is corrected, and every request is checked before a route.
 * @param outer what is called in place of the route for SQS
 */
async function behindCheck(
  { credentials, fault, failures }: Check,
  outer: (route: SqsRoute) => SqsRoute,
  start: () => Promise<FauxqsServer>,
): Promise<{ server: FauxqsServer; route: SqsRoute }> {
  let route: SqsRoute | undefined;
  const addCheck = (message: unknown) => {
    const { fastify } = message as { fastify: Fastify };
    const listen = fastify.listen.bind(fastify);
    fastify.listen = (options) => listen({ ...options, host: "127.0.0.1" });
    fastify.addHook("onRoute", (added) => {
      if (added.method !== "POST" || added.url !== "/") return;
      route = outer(added.handler);
      added.handler = route;
    });
    fastify.addHook("onRequest", async ({ raw, originalUrl }, reply) => {
      const { method, headers } = raw;
      const refused = refusalOf({ method, url: originalUrl, headers }, TARGET_PREFIX);
      return refused === undefined ? undefined : refuse(reply, refused);
    });
    fastify.addHook("preParsing", async ({ raw }, reply, payload) => {
      const chunks: Buffer[] = [];
      for await (const chunk of payload) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      if (!isSignedWith(credentials, { headers: raw.headers, body }))
        return refuse(reply, "the signature is not the relay's");
      const problem = isWrite(raw) ? fault() : undefined;
      return problem === undefined ? Readable.from([body]) : answerFault(reply, problem);
    });
    fastify.addHook("onError", async ({ raw }, _reply, error) =>
      failures.failed(isWrite(raw), `the embedded SQS fails: ${error.message}`),
    );
    fastify.addHook("onResponse", async ({ raw }, { statusCode }) => {
      if (statusCode < 300) failures.succeeded(isWrite(raw));
    });
  };
  subscribe("fastify.initialization", addCheck);
  try {
    const server = await start();
    if (route !== undefined) return { server, route };
    await server.stop();
    throw new TypeError("fauxqs has no route for SQS");
  } finally {
    unsubscribe("fastify.initialization", addCheck);
  }
}

function isWrite({ headers }: IncomingMessage): boolean {
  return WRITES.test(String(headers["x-amz-target"]));
}

function refuse(reply: Reply, reason: string): Reply {
  return reply
    .code(403)
    .header("connection", "close")
    .header("content-type", CONTENT_TYPE)
    .send(refusalBody(reason));
}

function answerFault(reply: Reply, message: string): Reply {
  return reply.code(500).header("content-type", CONTENT_TYPE).send(internalFailureBody(message));
}
