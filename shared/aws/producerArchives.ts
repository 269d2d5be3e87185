import { type DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { ProducerArchive } from "../queue/producerArchive.ts";
import { isConditionFailure } from "./failures.ts";
import { keys } from "./keys.ts";
import { queryAll } from "./queryAll.ts";

/** The producer archives of the Queue table: one item for each feed and key. */
export class ProducerArchiveStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(documents: DynamoDBDocumentClient, table: string) {
    this.#documents = documents;
    this.#table = table;
  }

  async readArchives(feed: string): Promise<ProducerArchive[]> {
    const items = await queryAll(this.#documents, {
      TableName: this.#table,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": keys.producersOfFeed(feed) },
    });
    return items.map(asArchive);
  }

  /**
   * Writes an archive on condition of the version before it. After a lost response, the SDK's retry finds the condition
   * failed; the caller reads again and finds its trails in the archive.
   */
  async putArchive(feed: string, archive: ProducerArchive, expiresAtEpochSeconds: number): Promise<boolean> {
    const isFirst = archive.version === 1;
    try {
      await this.#documents.send(
        new PutCommand({
          TableName: this.#table,
          Item: { ...keys.producers(feed, archive.key), ...archive, expiresAtEpochSeconds },
          ...(isFirst
            ? { ConditionExpression: "attribute_not_exists(pk)" }
            : {
                ConditionExpression: "version = :before",
                ExpressionAttributeValues: { ":before": archive.version - 1 },
              }),
        }),
      );
      return true;
    } catch (error) {
      if (isConditionFailure(error)) return false;
      throw error;
    }
  }
}

/** Items are not validated, because only the relay writes this table. */
function asArchive(item: Record<string, unknown>): ProducerArchive {
  const { key, trails, version } = item as unknown as ProducerArchive;
  return { key, trails, version };
}
