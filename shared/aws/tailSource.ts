import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { TailSource } from "../queue/tail.ts";
import { HeadStore } from "./heads.ts";
import { PageStore } from "./pages.ts";

/** The two reads that finding a feed's tail takes. */
export function createTailSource(documents: DynamoDBDocumentClient, queueTable: string): TailSource {
  const heads = new HeadStore(documents, queueTable);
  const pages = new PageStore(documents, queueTable);
  return {
    readHead: (feed) => heads.readHead(feed),
    readLastPage: (feed, segment) => pages.readLastPage(feed, segment),
  };
}
