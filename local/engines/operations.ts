import type { ToolProcess, ToolResult } from "./toolProcess.ts";
import { WriteOrder } from "./writeOrder.ts";

/*
 * DynamoDB's operations by the tools of the embedded engine. The tools take the same parameters under names of another
 * case and return the same JSON; of a failed condition they leave out the item, which is read here.
 */

type Input = Readonly<Record<string, unknown>>;

/** The error of an operation as DynamoDB words it. */
export class DynamodbError extends Error {
  readonly type: string;
  readonly more: object;

  constructor(type: string, message: string, more: object = {}) {
    super(message);
    this.type = type;
    this.more = more;
  }
}

interface Operation {
  readonly tool: string;
  readonly parameters: readonly string[];
  /**
   * Writes to an item come one after another, so that what a failed condition found can be read before the next write.
   * Writes to many items wait for all others.
   */
  readonly writes?: "item" | "many";
}

const ITEM_WRITE = [
  "TableName",
  "ConditionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ReturnValues",
];
const READ_MANY = [
  "TableName",
  "IndexName",
  "Select",
  "Limit",
  "FilterExpression",
  "ProjectionExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
  "ExclusiveStartKey",
];

const OPERATIONS: Readonly<Record<string, Operation>> = {
  CreateTable: {
    tool: "create_table",
    parameters: ["TableName", "KeySchema", "AttributeDefinitions", "BillingMode"],
    writes: "many",
  },
  DescribeTable: { tool: "describe_table", parameters: ["TableName"] },
  DeleteTable: { tool: "delete_table", parameters: ["TableName"], writes: "many" },
  ListTables: { tool: "list_tables", parameters: [] },
  UpdateTimeToLive: {
    tool: "update_time_to_live",
    parameters: ["TableName", "TimeToLiveSpecification"],
    writes: "many",
  },
  DescribeTimeToLive: { tool: "describe_time_to_live", parameters: ["TableName"] },
  GetItem: {
    tool: "get_item",
    parameters: ["TableName", "Key", "ProjectionExpression", "ExpressionAttributeNames", "ConsistentRead"],
  },
  Query: { tool: "query", parameters: [...READ_MANY, "KeyConditionExpression", "ScanIndexForward"] },
  Scan: { tool: "scan", parameters: [...READ_MANY, "Segment", "TotalSegments"] },
  BatchGetItem: { tool: "batch_get_item", parameters: ["RequestItems"] },
  TransactGetItems: { tool: "transact_get_items", parameters: ["TransactItems"] },
  PutItem: { tool: "put_item", parameters: [...ITEM_WRITE, "Item"], writes: "item" },
  UpdateItem: { tool: "update_item", parameters: [...ITEM_WRITE, "Key", "UpdateExpression"], writes: "item" },
  DeleteItem: { tool: "delete_item", parameters: [...ITEM_WRITE, "Key"], writes: "item" },
  BatchWriteItem: { tool: "batch_write_item", parameters: ["RequestItems"], writes: "many" },
  TransactWriteItems: {
    tool: "transact_write_items",
    parameters: ["TransactItems", "ClientRequestToken"],
    writes: "many",
  },
};

/** Parameters that change nothing on one machine: every read is strongly consistent, and nothing is charged. */
const WITHOUT_EFFECT = new Set([
  "ConsistentRead",
  "ReturnConsumedCapacity",
  "ReturnItemCollectionMetrics",
  "ReturnValuesOnConditionCheckFailure",
]);

/** Whether an operation changes data. */
export function isWrite(operation: string): boolean {
  return OPERATIONS[operation]?.writes !== undefined;
}

/** Runs the operations of one engine, which may be another process from one call to the next. */
export class Operations {
  readonly #engine: () => Promise<Pick<ToolProcess, "call">>;
  readonly #order = new WriteOrder();

  constructor(engine: () => Promise<Pick<ToolProcess, "call">>) {
    this.#engine = engine;
  }

  /** The result as JSON text. @throws DynamodbError */
  async run(name: string, input: Input): Promise<string> {
    const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined;
    if (operation === undefined)
      throw new DynamodbError("UnknownOperationException", `the embedded DynamoDB has no ${name}`);
    const args = argumentsOf(name, operation, input);
    if (operation.writes === undefined) return this.#call(operation.tool, args);
    const item = operation.writes === "item" ? itemOf(input) : undefined;
    return this.#order.after(item, () => this.#write(operation.tool, args, input));
  }

  async #write(tool: string, args: object, input: Input): Promise<string> {
    try {
      return await this.#call(tool, args);
    } catch (error) {
      if (!(error instanceof DynamodbError)) throw error;
      if (error.type === "ConditionalCheckFailedException" && wantsItem(input)) {
        const item = await this.#readItem(input);
        throw new DynamodbError(error.type, error.message, item);
      }
      if (error.type === "TransactionCanceledException")
        throw new DynamodbError(error.type, error.message, {
          CancellationReasons: await this.#reasons(error.message, input),
        });
      throw error;
    }
  }

  async #call(tool: string, args: object): Promise<string> {
    const engine = await this.#engine();
    return textOf(await engine.call(tool, args));
  }

  /** The message ends with a code for each write: `[None, ConditionalCheckFailed]`. */
  async #reasons(message: string, input: Input): Promise<object[]> {
    const codes = /\[(?<codes>[^\]]*)\]\s*$/.exec(message)?.groups?.codes?.split(/, */) ?? [];
    const writes = (input.TransactItems ?? []) as readonly Readonly<Record<string, Input>>[];
    return Promise.all(
      codes.map(async (Code, index) => {
        if (Code === "None") return { Code };
        const write = Object.values(writes[index] ?? {})[0] ?? {};
        const item = Code === "ConditionalCheckFailed" && wantsItem(write) ? await this.#readItem(write) : {};
        return { Code, Message: "The conditional request failed", ...item };
      }),
    );
  }

  /** The item that a write is about: `{ Item }`, or nothing when there is none. */
  async #readItem({ TableName, Key, Item }: Input): Promise<object> {
    const key = Key ?? (await this.#keyOf(TableName, Item as Input));
    const found = JSON.parse(
      await this.#call("get_item", { table_name: TableName, key, consistent_read: true }),
    ) as {
      Item?: object;
    };
    return found.Item === undefined ? {} : { Item: found.Item };
  }

  async #keyOf(table: unknown, item: Input): Promise<Input> {
    const { Table } = JSON.parse(await this.#call("describe_table", { table_name: table, raw: true })) as {
      Table: { KeySchema: readonly { AttributeName: string }[] };
    };
    return Object.fromEntries(
      Table.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]),
    );
  }
}

/** Names an item of this relay's tables, whose keys are `pk` and, except in Sessions, `sk`. */
function itemOf({ TableName, Key, Item }: Input): string {
  const { pk, sk } = (Key ?? Item ?? {}) as Input;
  return JSON.stringify([TableName, pk, sk]);
}

function wantsItem(input: Input): boolean {
  return input.ReturnValuesOnConditionCheckFailure === "ALL_OLD";
}

function argumentsOf(name: string, { tool, parameters }: Operation, input: Input): object {
  const args: Record<string, unknown> = tool === "describe_table" ? { raw: true } : {};
  for (const [parameter, value] of Object.entries(input)) {
    if (parameters.includes(parameter)) args[snakeCase(parameter)] = value;
    else if (!WITHOUT_EFFECT.has(parameter))
      throw new DynamodbError("ValidationException", `the embedded DynamoDB has no ${parameter} of ${name}`);
  }
  if (tool !== "create_table") return args;
  return Object.fromEntries(
    Object.entries(args).map(([key, value]) => [key, Array.isArray(value) ? value.map(snakeCased) : value]),
  );
}

function snakeCased(entry: Input): Input {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [snakeCase(name), value]));
}

function snakeCase(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

function textOf({ isError, text }: ToolResult): string {
  if (!isError) return text;
  const { error_type = "InternalServerError", message = text } = parsedError(text);
  throw new DynamodbError(error_type, message);
}

function parsedError(text: string): { error_type?: string; message?: string } {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
