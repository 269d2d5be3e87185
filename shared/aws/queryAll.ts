import { type DynamoDBDocumentClient, QueryCommand, type QueryCommandInput } from "@aws-sdk/lib-dynamodb";

/** All items of a query, across its responses of at most 1 MB. Always strongly consistent. */
export async function queryAll(
  documents: DynamoDBDocumentClient,
  input: Omit<QueryCommandInput, "ConsistentRead" | "ExclusiveStartKey">,
): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  let from: QueryCommandInput["ExclusiveStartKey"];
  do {
    const answer = await documents.send(
      new QueryCommand({ ...input, ConsistentRead: true, ExclusiveStartKey: from }),
    );
    items.push(...(answer.Items ?? []));
    from = answer.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

/**
 * The first items of a query, at most `most`. Strongly consistent.
 * @returns `isCut` when there are more
 */
export async function querySome(
  documents: DynamoDBDocumentClient,
  input: Omit<QueryCommandInput, "ConsistentRead" | "ExclusiveStartKey" | "Limit">,
  most: number,
): Promise<{ items: Record<string, unknown>[]; isCut: boolean }> {
  const { Items = [], LastEvaluatedKey } = await documents.send(
    new QueryCommand({ ...input, ConsistentRead: true, Limit: most }),
  );
  return { items: Items, isCut: LastEvaluatedKey !== undefined };
}
