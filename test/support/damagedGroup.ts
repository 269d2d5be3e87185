import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { keys } from "../../shared/aws/keys.ts";

/** Ways in which the row of a group cannot be read. */
export const DAMAGES = {
  "whose cursors are damaged": "SET cursors = :damaged",
  "of a later release": "SET cursors = :later",
  "whose cursors are text": "SET cursors = :text",
  "without cursors": "REMOVE cursors",
  "that holds nobody": "SET cursors = :empty",
} as const;

export type Damage = (typeof DAMAGES)[keyof typeof DAMAGES];

const VALUES: Readonly<Record<string, unknown>> = {
  ":damaged": Buffer.from([1, 40, 0, 0]),
  ":later": Buffer.from([9, 1, 2, 3]),
  ":text": "cursors",
  ":empty": Buffer.from([1, 0, 0, 0]),
};

interface Row {
  readonly feed: string;
  readonly group: string;
}

/** Damages a group's row in the table. Returns the packed cursors as they were. */
export async function damageGroup(
  documents: DynamoDBDocumentClient,
  table: string,
  { feed, group }: Row,
  damage: Damage | "REMOVE cursors, #segment",
): Promise<unknown> {
  const value = Object.keys(VALUES).find((name) => damage.endsWith(name));
  const { Attributes } = await documents.send(
    new UpdateCommand({
      TableName: table,
      Key: keys.group(feed, group),
      UpdateExpression: damage,
      ...(damage.includes("#") ? { ExpressionAttributeNames: { "#segment": "segment" } } : {}),
      ...(value ? { ExpressionAttributeValues: { [value]: VALUES[value] } } : {}),
      ReturnValues: "ALL_OLD",
    }),
  );
  return Attributes?.cursors;
}

/** Puts the packed cursors back, as someone does who has a backup. */
export async function repairGroup(
  documents: DynamoDBDocumentClient,
  table: string,
  { feed, group }: Row,
  cursors: unknown,
): Promise<void> {
  await documents.send(
    new UpdateCommand({
      TableName: table,
      Key: keys.group(feed, group),
      UpdateExpression: "SET cursors = :cursors",
      ExpressionAttributeValues: { ":cursors": cursors },
    }),
  );
}

/** A group's row as the table has it. */
export async function storedGroup(
  documents: DynamoDBDocumentClient,
  table: string,
  { feed, group }: Row,
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: table, Key: keys.group(feed, group), ConsistentRead: true }),
  );
  return Item;
}
