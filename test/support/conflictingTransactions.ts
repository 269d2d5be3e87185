import { setTimeout as pause } from "node:timers/promises";
import type { AwsCall, Intercept } from "./awsCalls.ts";
import { conflicting } from "./awsErrors.ts";

export interface ConflictingTransactions {
  readonly intercept: Intercept;
  /** Refused calls, by command. */
  readonly conflicts: ReadonlyMap<string, number>;
}

/**
 * A DynamoDB with transaction conflicts. A transaction is cancelled if it touches an item of another transaction in flight,
 * and a plain write of such an item is refused (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html,
 * "Transaction conflict handling"). The embedded engine performs one transaction at a time, so it has none.
 * @param transactionMillis how long a transaction is in flight before it is performed; on AWS some 10 to 20
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

/** The keys of the items that a call writes or checks, as text. */
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
