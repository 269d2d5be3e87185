import { type Cursor, type CursorChange, rowToFind } from "../sessions/cursor.ts";
import { keys } from "./keys.ts";
import { updateOf } from "./updateOf.ts";

/*
 * The three ways to write a row of the Cursors table, sent alone or in a transaction (cursors.ts).
 */

export function cursorPut(table: string, cursor: Cursor) {
  return {
    TableName: table,
    Item: { ...keys.cursor(cursor.feed, cursor.session), ...cursor },
    ConditionExpression: "attribute_not_exists(pk)",
  };
}

export function cursorUpdate(table: string, cursor: Cursor, change: CursorChange, writeId: string) {
  const condition = asRead(cursor, change);
  const update = updateOf({ ...change, writeId });
  return {
    TableName: table,
    Key: keys.cursor(cursor.feed, cursor.session),
    UpdateExpression: update.UpdateExpression,
    ConditionExpression: condition.ConditionExpression,
    ExpressionAttributeNames: {
      ...update.ExpressionAttributeNames,
      ...condition.ExpressionAttributeNames,
    },
    ExpressionAttributeValues: {
      ...update.ExpressionAttributeValues,
      ...condition.ExpressionAttributeValues,
    },
  };
}

export function cursorDelete(table: string, cursor: Cursor) {
  return { TableName: table, Key: keys.cursor(cursor.feed, cursor.session), ...asRead(cursor, {}) };
}

/** The condition of a change or removal: the row is unchanged since it was read. */
function asRead(cursor: Cursor, change: CursorChange) {
  const { states, ...numbers } = rowToFind(cursor, change);
  const stateValues = states.map((state, index) => [`:stateRead${index}`, state] as const);
  const attributes = Object.keys(numbers);
  return {
    ConditionExpression: [
      `#state IN (${stateValues.map(([name]) => name).join(", ")})`,
      ...attributes.map((attribute) => `#${attribute} = :${attribute}Read`),
    ].join(" AND "),
    ExpressionAttributeNames: {
      "#state": "state",
      ...Object.fromEntries(attributes.map((attribute) => [`#${attribute}`, attribute])),
    },
    ExpressionAttributeValues: {
      ...Object.fromEntries(stateValues),
      ...Object.fromEntries(
        Object.entries(numbers).map(([attribute, value]) => [`:${attribute}Read`, value]),
      ),
    },
  };
}
