import { setTimeout as pause } from "node:timers/promises";
import type { AwsCall, Intercept } from "./awsCalls.ts";
import { conflicting } from "./awsErrors.ts";

export interface ConflictingTransactions {
  readonly intercept: Intercept;
  /** Calls that were refused, by command. */
  readonly conflicts: ReadonlyMap<string, number>;
}

/**
 * A DynamoDB in which transactions meet: one that touches an item of another one under way is cancelled, and so is a
 * plain write of such an item (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html,
 * "Transaction conflict handling"). The embedded engine works on them one after the other.
 * @param transactionMillis how long a transaction is under way before it is performed; on AWS some 10 to 20
 */
export function conflictingTransactions(transactionMillis: number): ConflictingTransactions {
  const underWay = new Set<string>();
  const conflicts = new Map<string, number>();
  const intercept: Intercept = async (call, perform) => {
    const items = itemsOf(call);
    if (items.some((item) => underWay.has(item))) {
      conflicts.set(call.command, (conflicts.get(call.command) ?? 0) + 1);
      throw conflicting(call);
    }
    if (call.command !== "TransactWriteItems") return perform();
    for (const item of items) underWay.add(item);
    try {
      await pause(transactionMillis);
      return await perform();
    } finally {
      for (const item of items) underWay.delete(item);
    }
  };
  return { intercept, conflicts };
}

/** The items that a call writes or checks, each as one text. */
function itemsOf({ command, input }: AwsCall): string[] {
  switch (command) {
    case "TransactWriteItems":
      return input.TransactItems.map((item: object) => {
        const [action] = Object.values(item);
        return nameOf(action.TableName, action.Key ?? action.Item);
      });
    case "PutItem":
      return [nameOf(input.TableName, input.Item)];
    case "UpdateItem":
    case "DeleteItem":
      return [nameOf(input.TableName, input.Key)];
    default:
      return [];
  }
}

function nameOf(table: string, { pk, sk }: Record<string, { S: string }>): string {
  return `${table} ${pk?.S} ${sk?.S}`;
}
