import { queues } from "../../shared/aws/resources.ts";
import type { RelayError } from "../../shared/errors.ts";
import { type Log, silentLog } from "../../shared/runtime/log.ts";
import type { Endpoints } from "../connection.ts";
import { openDataDirectory } from "./dataDirectory.ts";
import type { DirectHandler } from "./direct.ts";
import { startDynamodb } from "./dynamodb.ts";
import type { Engine } from "./engine.ts";
import type { Credentials } from "./signature.ts";
import { startSqs } from "./sqs.ts";

/** A hint that is lost, the sweep sends again. */
const HINT_QUEUES: ReadonlySet<string> = new Set(
  Object.values(queues).flatMap(({ name }) => (name === queues.ingest.name ? [] : [name])),
);

export interface Engines {
  readonly endpoints: Endpoints;
  /** Of the services that are embedded. */
  readonly credentials: Partial<Readonly<Record<keyof Endpoints, Credentials>>>;
  /** Of the services that are embedded: in place of HTTP, for the clients of this process. */
  readonly directHandlers: Partial<Readonly<Record<keyof Endpoints, DirectHandler>>>;
  /** Why what is written now may be lost; undefined when it is kept. */
  fault(): string | undefined;
  /** Resolves when an embedded engine has ended and cannot be started again. */
  readonly failure: Promise<RelayError>;
}

/**
 * Starts an embedded engine for each service that has no endpoint yet, and leaves it to `started` to close it.
 * @param dataDirectory where the engines keep their data; undefined to hold them in memory.
 */
export async function startEngines(
  started: AsyncDisposableStack,
  given: Partial<Endpoints>,
  dataDirectory: string | undefined,
  log: Log = silentLog,
): Promise<Engines> {
  const needsEngine = given.dynamodb === undefined || given.sqs === undefined;
  const data =
    dataDirectory === undefined || !needsEngine ? undefined : await openDataDirectory(dataDirectory);
  if (data !== undefined) started.defer(() => data.close());
  const fault = () => data?.fault();

  const embedded: Partial<Record<keyof Endpoints, Engine>> = {};
  const endpointOf = async (service: keyof Endpoints, start: () => Promise<Engine>) => {
    const endpoint = given[service];
    if (endpoint !== undefined) return endpoint;
    const engine = await start();
    started.defer(() => engine.close());
    embedded[service] = engine;
    return engine.endpoint;
  };
  const dynamodb = await endpointOf("dynamodb", () =>
    startDynamodb({ fault, log, ...(data === undefined ? {} : { databaseFile: data.databaseFile }) }),
  );
  const sqs = await endpointOf("sqs", () =>
    startSqs({
      fault,
      unkept: HINT_QUEUES,
      ...(data === undefined ? {} : { dataDirectory: data.queueDirectory }),
    }),
  );
  return {
    endpoints: { dynamodb, sqs },
    credentials: {
      ...(embedded.dynamodb && { dynamodb: embedded.dynamodb.credentials }),
      ...(embedded.sqs && { sqs: embedded.sqs.credentials }),
    },
    directHandlers: {
      ...(embedded.dynamodb && { dynamodb: embedded.dynamodb.directHandler }),
      ...(embedded.sqs && { sqs: embedded.sqs.directHandler }),
    },
    fault: () => embedded.dynamodb?.fault() ?? embedded.sqs?.fault() ?? fault(),
    failure: Promise.race(Object.values(embedded).map((engine) => engine.failure)),
  };
}
