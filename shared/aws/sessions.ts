import { type DynamoDBDocumentClient, GetCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import type { Session } from "../sessions/session.ts";
import { keys } from "./keys.ts";
import type { TransactItem } from "./references.ts";

/** The Sessions table. It is written only inside transactions that also name the session's cursor. */
export class SessionStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(documents: DynamoDBDocumentClient, table: string) {
    this.#documents = documents;
    this.#table = table;
  }

  async readSession(session: string): Promise<Session | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.session(session), ConsistentRead: true }),
    );
    return Item && asSession(Item);
  }

  /** Sessions in the table's own order, `limit` at a time; `after` is the last one of the page before. */
  async listSessions(limit: number, after?: string): Promise<{ sessions: Session[]; last?: string }> {
    const { Items, LastEvaluatedKey } = await this.#documents.send(
      new ScanCommand({
        TableName: this.#table,
        Limit: limit,
        ConsistentRead: true,
        ...(after === undefined ? {} : { ExclusiveStartKey: keys.session(after) }),
      }),
    );
    const sessions = (Items ?? []).map(asSession);
    const last: unknown = LastEvaluatedKey?.pk;
    return typeof last === "string" ? { sessions, last } : { sessions };
  }

  /** Part of a transaction: writes the configuration. */
  put(session: Session): TransactItem {
    return { Put: { TableName: this.#table, Item: { ...keys.session(session.session), ...session } } };
  }

  /** Part of a transaction: removes the configuration. */
  delete(session: string): TransactItem {
    return { Delete: { TableName: this.#table, Key: keys.session(session) } };
  }
}

function asSession(item: Record<string, unknown>): Session {
  const { pk, ...session } = item;
  return session as unknown as Session;
}
