import type { Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Key } from "aws-cdk-lib/aws-kms";
import { keyPatterns } from "../shared/aws/keys.ts";
import {
  namesOf,
  type QueueName,
  type SecretRights,
  type ServiceName,
  services,
  type TableName,
  type TableRights,
} from "../shared/aws/resources.ts";
import type { RelayResources } from "./relayResources.ts";
import type { RelayStage } from "./stages.ts";

/*
 * Translates the rights in shared/aws/resources.ts into IAM statements. Every action is named: no wildcards, and none
 * of CDK's `grant…` methods, which allow more than a function needs.
 */

/** Statements list the actions in this order. */
const ACTIONS = [
  "GetItem",
  "BatchGetItem",
  "Query",
  "Scan",
  "PutItem",
  "UpdateItem",
  "DeleteItem",
  "ConditionCheckItem",
  "BatchWriteItem",
] as const;

/** Several kinds of items share the Queue table, and two the Keys table, but different functions may write them. */
const ITEMS = namesOf(keyPatterns);

type Right = TableRights[TableName];

interface Call {
  readonly action: (typeof ACTIONS)[number];
  /** Absent where all items of the table are of one kind. */
  readonly items?: (typeof ITEMS)[number];
}

const CALLS: Readonly<Record<Right, readonly Call[]>> = {
  readHeads: [{ action: "GetItem", items: "heads" }],
  listHeads: [{ action: "Query", items: "heads" }],
  createFeeds: [{ action: "PutItem", items: "heads" }],
  changeHeads: [{ action: "UpdateItem", items: "heads" }],
  checkHeads: [{ action: "ConditionCheckItem", items: "heads" }],
  readPages: [{ action: "Query", items: "pages" }],
  appendPages: [
    // Reads the page that holds a resent event.
    { action: "GetItem", items: "pages" },
    { action: "PutItem", items: "pages" },
  ],
  readProducers: [{ action: "Query", items: "producers" }],
  archiveProducers: [{ action: "PutItem", items: "producers" }],
  countReferences: [{ action: "Query", items: "references" }],
  moveReferences: [{ action: "UpdateItem", items: "references" }],
  freeSegments: [
    { action: "ConditionCheckItem", items: "references" },
    { action: "BatchWriteItem", items: "pages" },
    { action: "BatchWriteItem", items: "references" },
  ],
  changeExpiry: [{ action: "UpdateItem", items: "pages" }],
  readCursors: [{ action: "GetItem" }],
  readCursorsInBatches: [{ action: "BatchGetItem" }],
  listCursors: [{ action: "Query" }],
  createCursors: [{ action: "PutItem" }],
  changeCursors: [{ action: "UpdateItem" }],
  removeCursors: [{ action: "DeleteItem" }],
  readSessions: [{ action: "GetItem" }],
  readSessionsInBatches: [{ action: "BatchGetItem" }],
  listSessions: [{ action: "Scan" }],
  putSessions: [{ action: "PutItem" }],
  removeSessions: [{ action: "DeleteItem" }],
  readKeys: [{ action: "GetItem", items: "accessKeys" }],
  listKeys: [
    { action: "Query", items: "accessKeys" },
    { action: "Query", items: "keyUses" },
  ],
  createKeys: [{ action: "PutItem", items: "accessKeys" }],
  removeKeys: [
    { action: "DeleteItem", items: "accessKeys" },
    { action: "DeleteItem", items: "keyUses" },
  ],
  recordKeyUse: [
    { action: "GetItem", items: "keyUses" },
    { action: "PutItem", items: "keyUses" },
  ],
  putAttempts: [{ action: "PutItem" }, { action: "BatchWriteItem" }],
  listAttempts: [{ action: "Query" }],
};

/** Everything that a role allows, apart from its log and traces. */
export function permissionsOf(
  name: ServiceName,
  { stage, storage, queues, secrets }: RelayResources,
): PolicyStatement[] {
  const allowed = services[name];
  const onQueues = (actions: readonly string[], names: readonly QueueName[]) =>
    names.length === 0 ? [] : [allow(actions, ...names.map((each) => queues[each].queue.queueArn))];
  return [
    ...namesOf<TableName>(allowed.tables).flatMap((table) =>
      onTable(storage[table], allowed.tables[table] ?? []),
    ),
    ...(allowed.secrets.webhookSecrets
      ? [onWebhookSecrets(secrets.webhookSecretKey, allowed.secrets.webhookSecrets, stage)]
      : []),
    ...onQueues(["sqs:SendMessage"], allowed.sendsTo),
    // Lambda's event source mapping receives with the function's role.
    ...onQueues(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], allowed.startedBy),
    ...(allowed.secrets.apiKey ? [allow(["secretsmanager:GetSecretValue"], secrets.managementKeyArn)] : []),
  ];
}

/** One statement per set of items, with all actions allowed on it. */
function onTable(table: Table, rights: readonly Right[]): PolicyStatement[] {
  const calls = rights.flatMap((right) => CALLS[right]);
  const itemsOf = (action: Call["action"]) =>
    ITEMS.filter((items) => calls.some((call) => call.action === action && call.items === items));
  const actions = ACTIONS.filter((action) => calls.some((call) => call.action === action));
  return [...Map.groupBy(actions, (action) => itemsOf(action).join()).values()].map((group) => {
    const statement = allow(
      group.map((action) => `dynamodb:${action}`),
      table.tableArn,
    );
    const patterns = group
      .slice(0, 1)
      .flatMap(itemsOf)
      .map((items) => keyPatterns[items]);
    // ForAllValues refuses a whole batch or transaction when it names a single other key.
    if (patterns.length > 0)
      statement.addCondition("ForAllValues:StringLike", { "dynamodb:LeadingKeys": patterns });
    return statement;
  });
}

/**
 * The key may be used only for the sessions' secrets. The encryption context binds each of them to its session, and those
 * of AMI users to their kind, too. Without a gateway no AMI user can log in, and nobody needs a condition on the kind.
 */
function onWebhookSecrets(
  key: Key,
  right: SecretRights["webhookSecrets"],
  stage: RelayStage,
): PolicyStatement {
  const statement = allow([right === "seal" ? "kms:Encrypt" : "kms:Decrypt"], key.keyArn);
  const isKindless = right === "openWebhooks" && stage.gateway !== undefined;
  statement.addCondition("Null", {
    "kms:EncryptionContext:session": "false",
    ...(isKindless ? { "kms:EncryptionContext:kind": "true" } : {}),
  });
  if (right === "openAmiUsers")
    statement.addCondition("StringEquals", { "kms:EncryptionContext:kind": "ami" });
  return statement;
}

function allow(actions: readonly string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources });
}
