import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { lastOf, PAGES_PER_READ, type PageFacts, type StoredPage } from "../queue/page.ts";
import type { Expiring } from "../queue/pageExpiry.ts";
import type { Segment, Sequence } from "../queue/sequence.ts";
import type { LastPage } from "../queue/tail.ts";
import type { Clock } from "../runtime/clock.ts";
import { batchDelete } from "./batchDelete.ts";
import { isConditionFailure, winnerOf } from "./failures.ts";
import { keys, padded } from "./keys.ts";
import { queryAll } from "./queryAll.ts";

const NEAREST_BEFORE = { ScanIndexForward: false, Limit: 1 };

const FACTS = "#first, #count, #names, appendedAtEpochMillis";
const FACT_NAMES = { "#first": "first", "#count": "count", "#names": "names" };

/** The pages of the Queue table. Every read is strongly consistent, because a stale read would lose a wake. */
export class PageStore {
  readonly #documents: DynamoDBDocumentClient;
  readonly #table: string;
  readonly #clock: Clock;

  constructor(documents: DynamoDBDocumentClient, table: string, clock: Clock) {
    this.#documents = documents;
    this.#table = table;
    this.#clock = clock;
  }

  /**
   * The only write of an append. Two writers of the same number race on `attribute_not_exists`: one wins, and the other
   * gets the winner's page in the response.
   */
  async putPage(
    feed: string,
    segment: Segment,
    page: StoredPage,
    options: { expiresAtEpochSeconds: number; signal: AbortSignal },
  ): Promise<{ written: true } | { written: false; winner: StoredPage }> {
    try {
      await this.#documents.send(
        new PutCommand({
          TableName: this.#table,
          Item: {
            ...keys.page(feed, segment, page.first),
            ...page,
            expiresAtEpochSeconds: options.expiresAtEpochSeconds,
          },
          ConditionExpression: "attribute_not_exists(pk)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
        { abortSignal: options.signal },
      );
      return { written: true };
    } catch (error) {
      const winner = isConditionFailure(error) ? winnerOf(error) : undefined;
      if (winner === undefined) throw error;
      return { written: false, winner: asPage(winner) };
    }
  }

  async readPageAt(feed: string, segment: Segment, first: Sequence): Promise<StoredPage | undefined> {
    const { Item } = await this.#documents.send(
      new GetCommand({ TableName: this.#table, Key: keys.page(feed, segment, first), ConsistentRead: true }),
    );
    return Item && asPage(Item);
  }

  async readLastPage(feed: string, segment: Segment): Promise<LastPage | undefined> {
    const [item] = await this.#query(feed, segment, "<=", Number.MAX_SAFE_INTEGER, {
      ...NEAREST_BEFORE,
      ProjectionExpression: `${FACTS}, expiresAtEpochSeconds, producers, callMemory`,
      ExpressionAttributeNames: FACT_NAMES,
    });
    return item && asLastPage(item);
  }

  /** The next few pages of a segment that begin at `sequence` or later, in order. */
  async readPagesFrom(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage[]> {
    return (await this.#query(feed, segment, ">=", sequence, { Limit: PAGES_PER_READ })).map(asPage);
  }

  /** The last page of a segment that begins at or before `sequence`. */
  async readPageBefore(feed: string, segment: Segment, sequence: Sequence): Promise<StoredPage | undefined> {
    const [item] = await this.#query(feed, segment, "<=", sequence, NEAREST_BEFORE);
    return item && asPage(item);
  }

  /** The last page of a segment that begins at or before `sequence`, without its body. */
  async readFactsBefore(feed: string, segment: Segment, sequence: Sequence): Promise<PageFacts | undefined> {
    const [item] = await this.#query(feed, segment, "<=", sequence, {
      ...NEAREST_BEFORE,
      ProjectionExpression: FACTS,
      ExpressionAttributeNames: FACT_NAMES,
    });
    return item && asFacts(item);
  }

  /** When the page that holds `sequence` was appended; undefined when there is none yet. */
  async readAppendTime(feed: string, segment: Segment, sequence: Sequence): Promise<number | undefined> {
    const page = await this.readFactsBefore(feed, segment, sequence);
    return page && lastOf(page) >= sequence ? page.appendedAtEpochMillis : undefined;
  }

  async #query(
    feed: string,
    segment: Segment,
    comparison: "<=" | ">=",
    sequence: Sequence,
    options: Partial<QueryCommandInput>,
  ): Promise<Record<string, unknown>[]> {
    const { Items } = await this.#documents.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: `pk = :pk AND sk ${comparison} :sk`,
        ExpressionAttributeValues: { ":pk": keys.pagesOfSegment(feed, segment), ":sk": padded(sequence) },
        ConsistentRead: true,
        ...options,
      }),
    );
    return Items ?? [];
  }

  /** All pages of a segment, without their bodies. */
  async listPages(feed: string, segment: Segment): Promise<(PageFacts & Expiring)[]> {
    const items = await queryAll(this.#documents, {
      TableName: this.#table,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": keys.pagesOfSegment(feed, segment) },
      ProjectionExpression: `${FACTS}, expiresAtEpochSeconds`,
      ExpressionAttributeNames: FACT_NAMES,
    });
    return items.map((item) => ({ ...asFacts(item), ...asExpiring(item) }));
  }

  /** Changes when a page expires, unless it is gone. The page itself is immutable. */
  async changeExpiry(
    feed: string,
    segment: Segment,
    first: Sequence,
    expiresAtEpochSeconds: number,
  ): Promise<void> {
    try {
      await this.#documents.send(
        new UpdateCommand({
          TableName: this.#table,
          Key: keys.page(feed, segment, first),
          UpdateExpression: "SET expiresAtEpochSeconds = :expires",
          ConditionExpression: "attribute_exists(pk)",
          ExpressionAttributeValues: { ":expires": expiresAtEpochSeconds },
        }),
      );
    } catch (error) {
      if (!isConditionFailure(error)) throw error;
    }
  }

  /**
   * Deletes the pages of a freed segment. Safe to repeat. A batch has no order, so the last page is deleted alone,
   * after all others. A writer that looks for the tail from an old head then finds the segment's full end or nothing.
   * It would take any other last page for the tail, and its next append would be below the head.
   */
  async deletePages(feed: string, segment: Segment): Promise<number> {
    const pages = await this.listPages(feed, segment);
    const pageKeys = pages.map(({ first }) => keys.page(feed, segment, first));
    for (const group of [pageKeys.slice(0, -1), pageKeys.slice(-1)])
      await batchDelete(this.#documents, this.#table, group, this.#clock);
    return pages.length;
  }
}

function asFacts(item: Record<string, unknown>): PageFacts {
  const { first, count, names, appendedAtEpochMillis } = item as unknown as PageFacts;
  return { first, count, names, appendedAtEpochMillis };
}

function asLastPage(item: Record<string, unknown>): LastPage {
  const { first, count, appendedAtEpochMillis, producers, callMemory } = item as unknown as LastPage;
  return { first, count, appendedAtEpochMillis, producers, callMemory, ...asExpiring(item) };
}

function asExpiring({ expiresAtEpochSeconds }: Expiring): Expiring {
  return { expiresAtEpochSeconds };
}

/** Items are not validated, because only the relay writes this table. Bodies have a checksum. */
function asPage(item: Record<string, unknown>): StoredPage {
  const { pk, sk, expiresAtEpochSeconds, ...page } = item;
  return page as unknown as StoredPage;
}
