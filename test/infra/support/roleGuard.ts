import type { TransactWriteCommandInput } from "@aws-sdk/lib-dynamodb";
import { capitalised } from "../../../infra/nameIn.ts";
import { type AwsClients, createClients } from "../../../shared/aws/clients.ts";
import { namesOf, queues, tables } from "../../../shared/aws/resources.ts";
import type { Environment } from "../../../shared/runtime/settings.ts";
import type { Grant } from "./statements.ts";

/** One right that a call needs; `key` is the partition key of an item of the Queue table. */
interface Need {
  readonly action: string;
  readonly resource: string;
  readonly key?: string | undefined;
}

/** A grant of DynamoDB or SQS, with one of the patterns of its condition. */
interface Allowance extends Need {
  readonly pattern?: RegExp | undefined;
  readonly text: string;
}

/** The interface that the middleware stacks of both clients share. */
interface MiddlewareStack {
  add(
    middleware: (
      next: (call: { input: object }) => Promise<unknown>,
      context: { commandName: string },
    ) => (call: { input: object }) => Promise<unknown>,
    options: { step: string; priority: string; name: string },
  ): void;
}

const GRANT =
  /^(?<action>\S+) on (?<resource>\S+)(?: if ForAllValues:StringLike dynamodb:LeadingKeys (?<patterns>.+))?$/;

/** Does what IAM does in front of DynamoDB and SQS: refuses calls that no statement of the role allows. */
export class RoleGuard {
  readonly #allowances: readonly Allowance[];
  readonly #used = new Set<string>();
  readonly refused: string[] = [];

  /** @param grants of one role; those for other services and for event source mappings are ignored */
  constructor(grants: readonly Grant[]) {
    this.#allowances = grants.flatMap((grant) => {
      const { action = "", resource = "", patterns } = GRANT.exec(grant)?.groups ?? {};
      if (!action.startsWith("dynamodb:") && action !== "sqs:SendMessage") return [];
      if (patterns === undefined) return [{ action, resource, text: `${action} on ${resource}` }];
      return patterns.split(", ").map((pattern) => ({
        action,
        resource,
        pattern: new RegExp(`^${pattern.replace("*", ".*")}$`),
        text: `${action} on ${resource} ${pattern}`,
      }));
    });
  }

  /**
   * Rights on tables that no call has needed. (Queues are ignored: the lane to which a function sends depends on how
   * fast the sessions happen to be.)
   */
  get unused(): string[] {
    return this.#allowances
      .filter(({ action, text }) => action.startsWith("dynamodb:") && !this.#used.has(text))
      .map(({ text }) => text);
  }

  clients(connection: Environment): AwsClients {
    const clients = createClients(connection);
    for (const client of [clients.documents, clients.sqs])
      (client.middlewareStack as unknown as MiddlewareStack).add(
        (next, { commandName }) =>
          (call) => {
            for (const need of needsOf(commandName, call.input)) this.#demand(need);
            return next(call);
          },
        { step: "initialize", priority: "high", name: "roleGuard" },
      );
    return clients;
  }

  #demand({ action, resource, key }: Need): void {
    const allowance = this.#allowances.find(
      (each) =>
        each.action === action &&
        each.resource === resource &&
        (each.pattern === undefined || (key !== undefined && each.pattern.test(key))),
    );
    if (allowance) this.#used.add(allowance.text);
    else {
      const what = `${action} on ${resource} ${key ?? ""}`;
      this.refused.push(what);
      throw Object.assign(new Error(`not authorized to perform ${what}`), { name: "AccessDeniedException" });
    }
  }
}

/** How statements name the relay's tables and queues. */
const RESOURCES: Readonly<Record<string, string>> = Object.fromEntries([
  ...namesOf(tables).map((table) => [tables[table].name, `Storage${capitalised(table)}`]),
  ...namesOf(queues).map((queue) => [queues[queue].name, `Queues${capitalised(queue)}Queue`]),
]);

type Item = Readonly<Record<string, unknown>>;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html */
function needsOf(command: string, input: object): Need[] {
  const { TableName, Key, Item, QueueUrl, RequestItems, TransactItems, ExpressionAttributeValues } =
    input as Partial<Record<"Key" | "Item" | "ExpressionAttributeValues", Item>> & {
      TableName?: string;
      QueueUrl?: string;
      RequestItems?: Readonly<Record<string, unknown>>;
      TransactItems?: NonNullable<TransactWriteCommandInput["TransactItems"]>;
    };
  const action = command.replace(/Command$/, "");
  const need = (name: string, table = "", key?: unknown): Need => ({
    action: `dynamodb:${name}`,
    resource: RESOURCES[table] ?? table,
    key: textOf(key),
  });
  if (QueueUrl !== undefined)
    return [{ action: "sqs:SendMessage", resource: RESOURCES[QueueUrl.split("/").at(-1) ?? ""] ?? QueueUrl }];
  if (TransactItems)
    return TransactItems.flatMap((item) =>
      Object.entries(item).map(([kind, operation]) => {
        const {
          TableName: table,
          Key: key,
          Item: put,
        } = operation as { TableName: string; Key?: Item; Item?: Item };
        return need(
          kind === "ConditionCheck" ? "ConditionCheckItem" : `${kind}Item`,
          table,
          (key ?? put)?.pk,
        );
      }),
    );
  if (RequestItems)
    return Object.entries(RequestItems).flatMap(([table, requests]) =>
      keysOf(requests).map((key) =>
        need(`${action.replace(/^Batch(Get|Write)(Item)?$/, "Batch$1Item")}`, table, key),
      ),
    );
  const name = /^(Query|Scan)$/.test(action) ? action : `${action.replace(/Item$/, "")}Item`;
  return [need(name, TableName, Key?.pk ?? Item?.pk ?? ExpressionAttributeValues?.[":pk"])];
}

function keysOf(requests: unknown): unknown[] {
  if (!Array.isArray(requests)) return (requests as { Keys: Item[] }).Keys.map(({ pk }) => pk);
  // The relay's batches only delete. A put in a batch would have no key here, and would be refused.
  return requests.map(({ DeleteRequest }) => DeleteRequest?.Key.pk);
}

/** A key is text to the document client, and `{ S: text }` once it is marshalled. */
function textOf(key: unknown): string | undefined {
  return typeof key === "object" && key !== null
    ? String((key as { S?: unknown }).S)
    : (key as string | undefined);
}
