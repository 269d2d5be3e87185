import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { AwsClients } from "../shared/aws/clients.ts";
import {
  forEachName,
  namesOf,
  type QueueDefinition,
  type QueueName,
  queues,
  type TableDefinition,
  type TableName,
  tables,
} from "../shared/aws/resources.ts";
import { RelayError } from "../shared/errors.ts";
import { systemClock } from "../shared/runtime/clock.ts";
import type { Log } from "../shared/runtime/log.ts";
import { visibilityTimeoutSeconds } from "./limits.ts";

const TABLE_WAIT_MILLIS = 60_000;
const TABLE_CHECK_EVERY_MILLIS = 50;

export interface Queue {
  readonly url: string;
  readonly arn: string;
}

export interface Provisioned {
  readonly tableNames: Readonly<Record<TableName, string>>;
  readonly queues: Readonly<Record<QueueName, Queue>>;
}

/** Creates missing tables and queues, and resolves when all can be used. Safe to repeat. */
export async function provision(clients: AwsClients, log: Log): Promise<Provisioned> {
  const [provisioned] = await Promise.all([
    ensureQueues(clients.sqs),
    ...Object.values(tables).map((table) => ensureTable(clients.documents, table, log)),
  ]);
  return { tableNames: forEachName(tables, (table) => tables[table].name), queues: provisioned };
}

type TableClient = AwsClients["documents"];

async function ensureTable(client: TableClient, table: TableDefinition, log: Log): Promise<void> {
  const deadline = performance.now() + TABLE_WAIT_MILLIS;
  let status = await tableStatus(client, table.name);
  if (status === undefined) await createTable(client, table);
  while (status !== "ACTIVE") {
    if (performance.now() > deadline)
      throw new RelayError(
        "local.table",
        `table ${table.name} is ${status ?? "missing"} and does not become active`,
      );
    await systemClock.sleep(TABLE_CHECK_EVERY_MILLIS);
    status = await tableStatus(client, table.name);
  }
  if (table.ttl !== undefined) await ensureTimeToLive(client, table.name, table.ttl, log);
}

/** Undefined when there is no such table. */
async function tableStatus(client: TableClient, name: string): Promise<string | undefined> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    return Table?.TableStatus;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function createTable(client: TableClient, table: TableDefinition): Promise<void> {
  const keys = [
    { AttributeName: table.partitionKey, KeyType: "HASH" as const },
    ...(table.sortKey === undefined ? [] : [{ AttributeName: table.sortKey, KeyType: "RANGE" as const }]),
  ];
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table.name,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: keys,
        AttributeDefinitions: keys.map(({ AttributeName }) => ({
          AttributeName,
          AttributeType: "S" as const,
        })),
      }),
    );
  } catch (error) {
    // Another relay on the same endpoint created it first.
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

/** Expiry is only a safety net, because the relay frees pages itself. So an endpoint may lack it. */
async function ensureTimeToLive(
  client: TableClient,
  name: string,
  attribute: string,
  log: Log,
): Promise<void> {
  try {
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: name }));
    const status = TimeToLiveDescription?.TimeToLiveStatus;
    if (status === "ENABLED" || status === "ENABLING") return;
    await client.send(
      new UpdateTimeToLiveCommand({
        TableName: name,
        TimeToLiveSpecification: { AttributeName: attribute, Enabled: true },
      }),
    );
  } catch (error) {
    log.info("the endpoint does not support time to live", { table: name, error: String(error) });
  }
}

async function ensureQueues(client: SQSClient): Promise<Provisioned["queues"]> {
  const ensured = await Promise.all(
    namesOf(queues).map(
      async (name) =>
        [name, await ensureQueue(client, queues[name], visibilityTimeoutSeconds(name))] as const,
    ),
  );
  return Object.fromEntries(ensured) as Record<QueueName, Queue>;
}

async function ensureQueue(
  client: SQSClient,
  queue: QueueDefinition,
  visibilitySeconds: number,
): Promise<Queue> {
  const changeable = { VisibilityTimeout: String(visibilitySeconds) };
  let url = await queueUrl(client, queue.name);
  if (url === undefined) {
    const attributes = { ...changeable, ...(queue.fifo ? { FifoQueue: "true" } : {}) };
    const created = await client.send(
      new CreateQueueCommand({ QueueName: queue.name, Attributes: attributes }),
    );
    url = created.QueueUrl;
  } else {
    // An earlier version of this program may have created the queue with another timeout.
    await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: changeable }));
  }
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["QueueArn"] }),
  );
  const arn = Attributes?.QueueArn;
  if (url === undefined || arn === undefined)
    throw new RelayError("local.queue", `the endpoint gives no URL or ARN for the queue ${queue.name}`);
  return { url, arn };
}

/** Undefined when there is no such queue. */
async function queueUrl(client: SQSClient, name: string): Promise<string | undefined> {
  try {
    return (await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl;
  } catch (error) {
    if (error instanceof QueueDoesNotExist) return undefined;
    throw error;
  }
}
