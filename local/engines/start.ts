import { join } from "node:path";
import type { Endpoints } from "../connection.ts";
import { startDynamodb } from "./dynamodb.ts";
import type { Engine } from "./engine.ts";
import { startSqs } from "./sqs.ts";

/**
 * Starts an embedded engine for each service that has no endpoint yet, and leaves it to `started` to close it.
 * @param dataDirectory where the engines keep their data; undefined to hold them in memory.
 */
export async function startEngines(
  started: AsyncDisposableStack,
  given: Partial<Endpoints>,
  dataDirectory: string | undefined,
): Promise<Endpoints> {
  const endpointOf = async (starting: Promise<Engine>) => {
    const engine = await starting;
    started.defer(() => engine.close());
    return engine.endpoint;
  };
  const inMemory = dataDirectory === undefined;
  const dynamodb =
    given.dynamodb ??
    (await endpointOf(
      startDynamodb(inMemory ? {} : { databaseFile: join(dataDirectory, "dynamodb.sqlite") }),
    ));
  const sqs =
    given.sqs ?? (await endpointOf(startSqs(inMemory ? {} : { dataDirectory: join(dataDirectory, "sqs") })));
  return { dynamodb, sqs };
}
