import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { GroupListing } from "../groups/unreadable.ts";
import { asGroups } from "./groupItems.ts";
import { isGroupInterest, keys } from "./keys.ts";
import { queryAll, querySome } from "./queryAll.ts";

/* The queries of the partition that holds a feed's groups, each followed by the item with its interest. */

/** All groups of a feed, from one strongly consistent query: an index could miss a parked row. */
export async function listGroups(
  documents: DynamoDBDocumentClient,
  table: string,
  feed: string,
): Promise<GroupListing> {
  const items = await queryAll(documents, {
    TableName: table,
    KeyConditionExpression: "pk = :pk",
    ExpressionAttributeValues: { ":pk": keys.groups(feed) },
  });
  return listingOf(feed, items);
}

/** A group is one item, or two with its interest. */
const MOST_ITEMS = 100;

/**
 * Some groups of a feed: 50 to 100, or all if there are fewer. However many there are, this costs at most two queries, of
 * 100 items together.
 * @param from a random id. Ids are random, so the groups from it on are a fair choice. After the last one come the first ones.
 */
export async function listSomeGroups(
  documents: DynamoDBDocumentClient,
  table: string,
  feed: string,
  from: string,
): Promise<GroupListing> {
  const some = (comparison: ">=" | "<", most: number) =>
    querySome(
      documents,
      {
        TableName: table,
        KeyConditionExpression: `pk = :pk AND sk ${comparison} :from`,
        ExpressionAttributeValues: { ":pk": keys.groups(feed), ":from": from },
      },
      most,
    );
  const after = await some(">=", MOST_ITEMS);
  if (after.items.length >= MOST_ITEMS) return listingOf(feed, withoutCutGroup(after));
  const before = await some("<", MOST_ITEMS - after.items.length);
  return listingOf(feed, [...after.items, ...withoutCutGroup(before)]);
}

/** Without the interest that follows its row, nobody knows what a group's sessions want. */
function withoutCutGroup({ items, isCut }: Awaited<ReturnType<typeof querySome>>) {
  const last = items.at(-1);
  return isCut && last !== undefined && !isGroupInterest(last) ? items.slice(0, -1) : items;
}

function listingOf(feed: string, items: readonly Record<string, unknown>[]): GroupListing {
  const interests = new Map(items.filter(isGroupInterest).map(({ sk, names }) => [sk, names]));
  const rows = items.filter((item) => !isGroupInterest(item)).map((item) => ({ feed, item }));
  const { groups, unreadable } = asGroups(rows);
  return {
    groups: groups.map((group) => {
      const names = interests.get(keys.groupInterest(feed, group.group).sk);
      return { group, interest: Array.isArray(names) ? names.map(String) : undefined };
    }),
    unreadable,
  };
}
