import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import { type AmiSession, usernameKey } from "../sessions/session.ts";
import { keys } from "./keys.ts";
import { readSession } from "./sessions.ts";

/** The AMI users in the Sessions table, as the gateway reads them: one item at a time, strongly consistent. */
export class AmiUserStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(documents: DynamoDBDocumentClient, table: string) {
    this.#documents = documents;
    this.#table = table;
  }

  /** The session with this username. */
  async findByUsername(username: string): Promise<AmiSession | undefined> {
    const Key = keys.username(usernameKey(username));
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key, ConsistentRead: true }),
    );
    const owner: unknown = Item?.owner;
    return typeof owner === "string" ? this.read(owner) : undefined;
  }

  async read(sessionId: string): Promise<AmiSession | undefined> {
    const session = await readSession(this.#documents, this.#table, sessionId);
    return session?.kind === "ami" ? session : undefined;
  }
}
