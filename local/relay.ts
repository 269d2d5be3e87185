import type { SQSEvent } from "aws-lambda";
import { bundledAssets } from "../console/build/bundledAssets.ts";
import { cookieKey } from "../console/server/credential.ts";
import { createHandler as createApi } from "../functions/api/handler.ts";
import { createHandler as createDeliver } from "../functions/deliver/handler.ts";
import type { HandlerOptions } from "../functions/handlerOptions.ts";
import { createHandler as createIngest } from "../functions/ingest/handler.ts";
import { createHandler as createNotify } from "../functions/notify/handler.ts";
import { createHandler as createSweep } from "../functions/sweep/handler.ts";
import type { RunningGateway } from "../gateway/gateway.ts";
import { type RelayGatewayOptions, startRelayGateway } from "../gateway/relayGateway.ts";
import { KeyRing } from "../shared/access/keyRing.ts";
import { AccessKeyStore } from "../shared/aws/accessKeys.ts";
import { type AwsClients, createClients, destroyClients } from "../shared/aws/clients.ts";
import { httpTimeoutSeconds, queueLimits, sweepTimeoutSeconds } from "../shared/aws/limits.ts";
import {
  type FunctionName,
  namesOf,
  type QueueName,
  functions as resourcesOf,
  type ServiceName,
} from "../shared/aws/resources.ts";
import { RelayError } from "../shared/errors.ts";
import { fixedApiKey } from "../shared/http/apiKey.ts";
import { bearerKey } from "../shared/http/bearerAuth.ts";
import { FeedAdvances } from "../shared/queue/feedAdvances.ts";
import { type Clock, systemClock } from "../shared/runtime/clock.ts";
import { type Log, silentLog } from "../shared/runtime/log.ts";
import { type Metrics, silentMetrics } from "../shared/runtime/metrics.ts";
import { type Environment, readSettings, type Settings } from "../shared/runtime/settings.ts";
import {
  checkReachable,
  connectionVariables,
  type Endpoints,
  givenEndpoints,
  namedEndpoints,
} from "./connection.ts";
import { startEngines } from "./engines/start.ts";
import { type EventSourceMapping, startEventSourceMapping } from "./eventSourceMapping.ts";
import { startHttpGateway } from "./httpGateway.ts";
import type { LambdaHandler, LocalFunction } from "./invoke.ts";
import { gatherMillis, maximumConcurrency } from "./limits.ts";
import { type Provisioned, provision } from "./provision.ts";
import {
  allowedHostsOf,
  apiKeyOf,
  functionEnvironment,
  hostOf,
  portOf,
  sweepIntervalMillis,
  warnOfUnknownSettings,
  withLocalDefaults,
} from "./relayEnvironment.ts";
import { startSchedule } from "./schedule.ts";
import { HTTP_STOP_WITHIN_MILLIS, Stopping } from "./stopping.ts";

export interface RelayOptions {
  /** What an operator sets: RELAY_*, AWS_*, PORT, HOST. */
  readonly environment: Environment;
  /** Instead of PORT; 0 for any free one. */
  readonly port?: number;
  /** Where AMI clients connect, 0 for any free port. Absent: nowhere. */
  readonly amiPort?: number | undefined;
  /** The relay goes on without AMI when that port is in use, and warns. */
  readonly isAmiPortOptional?: boolean;
  /** Where AMI over HTTP is served, 0 for any free port. Absent: nowhere. */
  readonly amiHttpPort?: number | undefined;
  /** Instead of RELAY_DATA_DIR. Without either, everything is held in memory. */
  readonly dataDirectory?: string;
  readonly log?: Log;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  /** A set of clients per function instead of one for all, so that a test can hold each to its role. */
  readonly clientsOf?: (name: ServiceName, connection: Environment) => AwsClients;
  readonly webhook?: HandlerOptions["webhook"];
  /** Hosts each function. A measurement may build one several times, as AWS does for invocations at the same time. */
  readonly host?: FunctionHost;
}

export type FunctionHost = <Handler extends (event: never) => Promise<unknown>>(
  name: FunctionName,
  create: () => Handler,
) => Handler;

export interface Relay extends Provisioned {
  readonly url: string;
  /** The ports of the AMI gateway that are open. */
  readonly amiPorts: RunningGateway["ports"];
  readonly apiKey: string;
  readonly settings: Settings;
  readonly endpoints: Endpoints;
  /** The AWS variables with which other programs reach the same endpoints. */
  readonly connection: Environment;
  readonly clients: AwsClients;
  /** Resolves when the relay cannot go on, with the reason. It still has to be stopped. */
  readonly failure: Promise<RelayError>;
  /** Ends what is in flight, waits for it no longer than eight seconds, and leaves nothing running. */
  stop(): Promise<void>;
}

/** Runs the whole pipeline on this machine: the real Lambda handlers, invoked the way AWS invokes them. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { log = silentLog, metrics = silentMetrics, clock = systemClock } = options;
  const environment = withLocalDefaults(options.environment);
  const settings = readSettings(environment);
  const everyMillis = sweepIntervalMillis(environment);
  const port = options.port ?? portOf(environment);
  const host = hostOf(environment);
  const apiKey = apiKeyOf(environment);
  const allowedHosts = allowedHostsOf(environment);
  warnOfUnknownSettings(options.environment, log);

  // Whatever was started is stopped in reverse order, also when a later step of the start fails.
  await using started = new AsyncDisposableStack();

  const dataDirectory = options.dataDirectory || environment.RELAY_DATA_DIR || undefined;
  await checkReachable(environment);
  const engines = await startEngines(started, givenEndpoints(environment), dataDirectory, log);
  const { endpoints } = engines;
  const connection = connectionVariables(environment, endpoints, engines.credentials);
  const clients = createClients(connection, engines.directHandlers);
  started.defer(() => destroyClients(clients));
  const provisioned = await provisionOverHttp(connection, log).catch((error) => {
    throw explainProvisioning(error, environment);
  });
  const region = connection.AWS_REGION ?? connection.AWS_DEFAULT_REGION ?? "";

  const isStopping = new AbortController();
  const isClosing = new AbortController();
  const functions = createFunctions(
    (name) => functionEnvironment(name, environment, connection, provisioned),
    (name) => options.clientsOf?.(name, connection) ?? clients,
    {
      clock,
      log,
      metrics,
      hasManyEventsAtOnce: true,
      stopping: isStopping.signal,
      ...(options.host === undefined && { advances: new FeedAdvances(clock) }),
      ...(options.webhook && { webhook: options.webhook }),
    },
    isClosing.signal,
    options.host ?? ((_name, create) => create()),
  );

  const schedule = startSchedule({
    target: localFunction("sweep", region, sweepTimeoutSeconds, functions.sweep),
    everyMillis,
    log,
  });
  const stopping = new Stopping();
  started.defer(() => stopping.step("the sweep that runs", schedule.stop()));

  const isShortLived = givenEndpoints(environment).sqs === undefined && dataDirectory === undefined;
  const mappings = startMappings(clients, provisioned.queues, functions, {
    region,
    isShortLived,
    gathers: options.host === undefined,
    log,
  });
  started.defer(() =>
    stopping.step("deliveries in flight", Promise.all(mappings.map((mapping) => mapping.stop()))),
  );
  started.defer(() => isStopping.abort());

  const knownKeys = openKnownKeys(apiKey, clients, provisioned, clock);
  const gateway = await startHttpGateway({
    host,
    port,
    allowedHosts,
    isAuthorised: async ({ authorization, cookie, host }) => {
      const key = bearerKey(authorization) ?? cookieKey(cookie, host);
      return key !== undefined && knownKeys(key);
    },
    fault: engines.fault,
    ingest: localFunction("ingest", region, httpTimeoutSeconds, functions.ingest),
    api: localFunction("api", region, httpTimeoutSeconds, functions.api),
    log,
  });
  started.defer(async () => {
    await stopping.step("HTTP requests in flight", gateway.close(), HTTP_STOP_WITHIN_MILLIS);
    gateway.closeNow();
  });
  started.defer(() => isClosing.abort());

  const ami = await startAmi(options, {
    environment: functionEnvironment("gateway", environment, connection, provisioned),
    clients: options.clientsOf?.("gateway", connection) ?? clients,
    clock,
    log,
    listen: { host, port: options.amiPort, httpPort: options.amiHttpPort },
  });
  started.defer(() => stopping.step("AMI connections", ami.stop()));

  stopping.log = log;
  const running = started.move();
  return {
    ...provisioned,
    url: `http://${reachable(host)}:${gateway.port}`,
    amiPorts: ami.ports,
    apiKey,
    settings,
    endpoints,
    connection,
    clients,
    failure: engines.failure,
    stop: () => running.disposeAsync(),
  };
}

/** @throws Error EADDRINUSE when a port is in use that the operator has chosen */
async function startAmi(
  { isAmiPortOptional = false }: RelayOptions,
  gateway: RelayGatewayOptions,
): Promise<RunningGateway> {
  const { port, ...others } = gateway.listen;
  try {
    return await startRelayGateway(gateway);
  } catch (error) {
    if (!isAmiPortOptional || !isPortInUse(error, port)) throw error;
    gateway.log.warn(
      `port ${port} is in use, perhaps by an Asterisk, so AMI clients cannot connect; AMI_PORT=… names another one, and AMI_PORT=0 none`,
    );
    return startRelayGateway({ ...gateway, listen: others });
  }
}

function isPortInUse(error: unknown, port: number | undefined): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "EADDRINUSE" &&
    "port" in error &&
    error.port === port
  );
}

/** An embedded SQS takes the region of its queues from the signature, which direct calls do not have. */
async function provisionOverHttp(connection: Environment, log: Log): Promise<Provisioned> {
  const clients = createClients(connection);
  try {
    return await provision(clients, log);
  } finally {
    destroyClients(clients);
  }
}

/** A server that listens but is not what its setting says answers in ways that no SDK explains. */
function explainProvisioning(error: unknown, environment: Environment): unknown {
  const named = namedEndpoints(environment);
  if (named.length === 0 || error instanceof RelayError) return error;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new RelayError(
    "local.endpoint",
    `${named.join(" and ")} must lead to DynamoDB and SQS, or to what speaks their protocols; the tables and queues could not be made there (${what})`,
    { cause: error },
  );
}

/**
 * Whether a key may be known, which is asked before a body is received. What it may do, and how often, the functions ask
 * for themselves. They also answer when the key cannot be looked up.
 */
function openKnownKeys(
  apiKey: string,
  { documents }: AwsClients,
  { tableNames }: Provisioned,
  clock: Clock,
): (key: string) => Promise<boolean> {
  const isManagementKey = fixedApiKey(apiKey);
  const ring = new KeyRing(new AccessKeyStore(documents, tableNames.keys), clock);
  const isUnknown = (key: string) =>
    ring.find(key).then(
      ({ kind }) => kind === "unknown",
      () => false,
    );
  return async (key) => (await isManagementKey(key)) || !(await isUnknown(key));
}

type Functions = ReturnType<typeof createFunctions>;

/** Builds each function with its own environment, as if it ran alone. */
function createFunctions(
  environmentOf: (name: FunctionName) => Environment,
  clientsOf: (name: FunctionName) => AwsClients,
  options: HandlerOptions,
  /** Whoever waits for an answer over HTTP gets it before requests in flight are waited for. */
  httpStopping: AbortSignal,
  host: FunctionHost,
) {
  const given = (name: FunctionName) =>
    [environmentOf(name), { ...options, clients: clientsOf(name) }] as const;
  return {
    ingest: host("ingest", () => {
      const [environment, own] = given("ingest");
      return createIngest(environment, { ...own, stopping: httpStopping });
    }),
    notify: host("notify", () => createNotify(...given("notify"))),
    deliver: host("deliver", () => createDeliver(...given("deliver"))),
    sweep: host("sweep", () => createSweep(...given("sweep"))),
    api: host("api", () => {
      const [environment, own] = given("api");
      return createApi(environment, { ...own, stopping: httpStopping, consoleAssets: bundledAssets() });
    }),
  };
}

/**
 * Connects the queues to the functions that they start.
 * @param options.isShortLived whether the queues end with this process
 * @param options.gathers whether messages wait for others to share an invocation with
 */
function startMappings(
  { sqs }: AwsClients,
  queues: Provisioned["queues"],
  { ingest, notify, deliver }: Functions,
  options: {
    readonly region: string;
    readonly isShortLived: boolean;
    readonly gathers: boolean;
    readonly log: Log;
  },
): readonly EventSourceMapping[] {
  const map = (queue: QueueName, name: FunctionName, handler: LambdaHandler<SQSEvent>) => {
    const { functionTimeoutSeconds, batchSize } = queueLimits[queue];
    return startEventSourceMapping({
      sqs,
      queue: queues[queue],
      target: localFunction(name, options.region, functionTimeoutSeconds, handler),
      batchSize,
      maximumConcurrency: maximumConcurrency[queue],
      isShortLived: options.isShortLived,
      gatherMillis: options.gathers ? gatherMillis[queue] : 0,
      log: options.log,
    });
  };
  const handlers = { ingest, notify, deliver };
  return namesOf(handlers).flatMap((name) =>
    resourcesOf[name].startedBy.map((queue) => map(queue, name, handlers[name])),
  );
}

function localFunction<Event>(
  name: FunctionName,
  region: string,
  timeoutSeconds: number,
  handler: LambdaHandler<Event>,
): LocalFunction<Event> {
  return { name, region, handler, timeoutMillis: timeoutSeconds * 1000 };
}

/** The address to call when the relay listens on all of them, and brackets around an IPv6 address. */
function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
