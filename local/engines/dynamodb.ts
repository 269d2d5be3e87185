import { dirname, resolve } from "node:path";
import { RelayError } from "../../shared/errors.ts";
import { type Log, silentLog } from "../../shared/runtime/log.ts";
import { createPrivateFile, recordEngine, waitUntilFree } from "./databaseFile.ts";
import { createPrivateDirectory } from "./directories.ts";
import { startDynamodbServer } from "./dynamodbServer.ts";
import { findDynoxide } from "./dynoxide.ts";
import type { Engine } from "./engine.ts";
import { Operations } from "./operations.ts";
import { newCredentials } from "./signature.ts";
import { startToolProcess, type ToolProcess } from "./toolProcess.ts";

/** An engine that ends this often within the time is not started again: something ends it each time. */
const RESTARTS = { most: 5, withinMillis: 60_000 };

export interface DynamodbOptions {
  /** Where to keep the data; without it they are held in memory. */
  readonly databaseFile?: string;
  /** Why the database file cannot be written at present. */
  readonly fault?: () => string | undefined;
  readonly log?: Log;
}

/**
 * Starts the embedded DynamoDB and resolves when it answers. When its process dies it is started again on its file;
 * without a file its data are gone, and it has failed.
 * @throws RelayError when there is no engine for this platform, it does not start, or its data are in use.
 */
export async function startDynamodb(options: DynamodbOptions = {}): Promise<Engine> {
  const { log = silentLog, fault = () => undefined } = options;
  const program = findDynoxide();
  const databaseFile = options.databaseFile === undefined ? undefined : resolve(options.databaseFile);
  if (databaseFile !== undefined) {
    await createPrivateDirectory(dirname(databaseFile), () => false);
    await waitUntilFree(databaseFile);
    await createPrivateFile(databaseFile);
  }
  const start = () => startEngine(program, databaseFile);

  let isClosing = false;
  let engine = Promise.resolve(await start());
  const failure = Promise.withResolvers<RelayError>();

  const keepRunning = async () => {
    const restartedAt: number[] = [];
    for (;;) {
      const how = await (await engine).ended;
      if (isClosing) return;
      const ended = `the embedded DynamoDB (dynoxide) ended: ${how}`;
      if (databaseFile === undefined)
        throw new RelayError("local.dynamodb", `${ended}; its data were in memory`);
      const now = performance.now();
      restartedAt.push(now);
      if (restartedAt.filter((at) => now - at < RESTARTS.withinMillis).length > RESTARTS.most)
        throw new RelayError(
          "local.dynamodb",
          `${ended}, after several restarts; its data are in ${databaseFile}`,
        );
      log.warn("the embedded DynamoDB ended; restarting it", { how, databaseFile });
      engine = start();
    }
  };
  keepRunning().catch((error) => {
    if (!isClosing) failure.resolve(error);
  });

  const credentials = newCredentials();
  const server = await startDynamodbServer({ operations: new Operations(() => engine), credentials, fault });
  return {
    endpoint: server.endpoint,
    credentials,
    directHandler: server.directHandler,
    fault: server.fault,
    failure: failure.promise,
    async close() {
      isClosing = true;
      await server.close();
      await engine.then(
        (running) => running.close(),
        () => {},
      );
    },
  };
}

async function startEngine(program: string, databaseFile: string | undefined): Promise<ToolProcess> {
  const args = databaseFile === undefined ? [] : ["--db-path", databaseFile];
  try {
    return await startToolProcess(program, args, async (processId) => {
      if (databaseFile !== undefined) await recordEngine(databaseFile, processId);
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const where = databaseFile === undefined ? "" : ` (its data are in ${databaseFile})`;
    throw new RelayError("local.dynamodb", `the embedded DynamoDB ended at once: ${why}${where}`, {
      cause: error,
    });
  }
}
