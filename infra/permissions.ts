import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Key } from "aws-cdk-lib/aws-kms";
import type { Queue } from "aws-cdk-lib/aws-sqs";

/*
 * The statements of which the functions' roles are made. Every action is named: no wildcards, and none of CDK's
 * `grant…` methods, which give more than a function calls.
 */

type TableAction =
  | "GetItem"
  | "BatchGetItem"
  | "Query"
  | "Scan"
  | "PutItem"
  | "UpdateItem"
  | "DeleteItem"
  | "BatchWriteItem"
  | "ConditionCheckItem";

export function onTable(table: Table, ...actions: TableAction[]): PolicyStatement {
  return new PolicyStatement({
    actions: actions.map((action) => `dynamodb:${action}`),
    resources: [table.tableArn],
  });
}

/**
 * On those items of a table alone whose partition keys match a pattern. Pages, heads and reference counts share a
 * table, and few functions may write each of them.
 */
export function onItems(
  table: Table,
  patterns: readonly string[],
  ...actions: TableAction[]
): PolicyStatement {
  const statement = onTable(table, ...actions);
  // For all values: a batch or transaction with one other key is refused as a whole.
  statement.addCondition("ForAllValues:StringLike", { "dynamodb:LeadingKeys": patterns });
  return statement;
}

export function sendTo(...queues: Queue[]): PolicyStatement {
  return new PolicyStatement({
    actions: ["sqs:SendMessage"],
    resources: queues.map(({ queueArn }) => queueArn),
  });
}

/** What Lambda's event source mapping does in the function's name. */
export function receiveFrom(...queues: Queue[]): PolicyStatement {
  return new PolicyStatement({
    actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    resources: queues.map(({ queueArn }) => queueArn),
  });
}

/** On webhook secrets alone: each is bound to its session by the encryption context. */
export function onWebhookSecrets(key: Key, action: "Encrypt" | "Decrypt"): PolicyStatement {
  return new PolicyStatement({
    actions: [`kms:${action}`],
    resources: [key.keyArn],
    conditions: { Null: { "kms:EncryptionContext:session": "false" } },
  });
}

export function readSecret(secretArn: string): PolicyStatement {
  return new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secretArn] });
}
