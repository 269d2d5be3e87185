// undici has types for its index only.
import type { Client as IndexClient } from "undici";

export { buildConnector } from "undici";

/** A client as its own module exports it. The index adds `request`, `stream` and others. */
export declare class Client {
  constructor(origin: string, options?: IndexClient.Options);
  readonly closed: boolean;
  readonly dispatch: IndexClient["dispatch"];
  close(): Promise<void>;
}

export declare namespace Client {
  type Options = IndexClient.Options;
}
