import { GroupUnreadableError } from "../errors.ts";
import type { CursorGroup, GroupChange } from "../groups/group.ts";
import { packCursors, unpackCursors } from "../groups/packedCursors.ts";
import type { GroupReference, UnreadableGroup } from "../groups/unreadable.ts";
import { keys } from "./keys.ts";
import { updateOf } from "./updateOf.ts";

/*
 * A group's row in the Cursors table and the ways to write it, sent alone or in a transaction (cursorGroups.ts). Feed and id
 * are the row's key. The cursors are packed into one value.
 */

export function groupPut(table: string, { feed, group, cursors, ...row }: CursorGroup) {
  return {
    TableName: table,
    Item: { ...keys.group(feed, group), ...row, cursors: packCursors(cursors) },
    ConditionExpression: "attribute_not_exists(pk)",
  };
}

/**
 * A write names the version that was read. A mark of notify or the sweep does not change the version, so it also names the
 * state.
 */
export function groupUpdate(table: string, read: CursorGroup, change: GroupChange) {
  const { cursors, ...rest } = change;
  const update = updateOf({ ...rest, ...(cursors === undefined ? {} : { cursors: packCursors(cursors) }) });
  const isMark = change.version === undefined;
  return {
    TableName: table,
    Key: keys.group(read.feed, read.group),
    UpdateExpression: update.UpdateExpression,
    ConditionExpression: `#version = :versionRead${isMark ? " AND #state = :stateRead" : ""}`,
    ExpressionAttributeNames: {
      ...update.ExpressionAttributeNames,
      "#version": "version",
      ...(isMark ? { "#state": "state" } : {}),
    },
    ExpressionAttributeValues: {
      ...update.ExpressionAttributeValues,
      ":versionRead": read.version,
      ...(isMark ? { ":stateRead": read.state } : {}),
    },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
  };
}

export function groupDelete(table: string, { feed, group, version }: CursorGroup) {
  return {
    TableName: table,
    Key: keys.group(feed, group),
    ConditionExpression: "#version = :versionRead",
    ExpressionAttributeNames: { "#version": "version" },
    ExpressionAttributeValues: { ":versionRead": version },
  };
}

/** @throws GroupUnreadableError */
export function asGroup(feed: string, item: Record<string, unknown>): CursorGroup {
  const { pk, sk, cursors, ...row } = item;
  if (!(cursors instanceof Uint8Array)) throw new GroupUnreadableError("it has no packed cursors");
  return {
    ...(row as unknown as Omit<CursorGroup, "feed" | "group" | "cursors">),
    feed,
    group: String(sk),
    cursors: unpackCursors(cursors),
  };
}

/** Rows of groups, and apart from them those that cannot be read: one of them does not stop the others. */
export function asGroups(
  rows: readonly { readonly feed: string; readonly item: Record<string, unknown> }[],
): { groups: CursorGroup[]; unreadable: UnreadableGroup[] } {
  const groups: CursorGroup[] = [];
  const unreadable: UnreadableGroup[] = [];
  for (const { feed, item } of rows) {
    try {
      groups.push(asGroup(feed, item));
    } catch (error) {
      if (!(error instanceof GroupUnreadableError)) throw error;
      unreadable.push({
        feed,
        group: String(item.sk),
        reason: String(error.facts.reason),
        reference: referenceIn(item),
      });
    }
  }
  return { groups, unreadable };
}

function referenceIn({ segment, segmentSize }: Record<string, unknown>): GroupReference | undefined {
  const isCounted = typeof segment === "number" && Number.isSafeInteger(segment) && segment >= 0;
  const isSized = typeof segmentSize === "number" && Number.isSafeInteger(segmentSize) && segmentSize >= 1;
  return isCounted && isSized ? { segment, segmentSize } : undefined;
}
