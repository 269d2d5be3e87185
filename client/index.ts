/** The relay's interface as a library. It runs in Node and in browsers; `nodeReceiver.ts` is for Node alone. */
export {
  beginningOf,
  type ChainLink,
  type ChainState,
  type ChainStep,
  checkLink,
  follow,
  type Gap,
  gapOf,
} from "./chain.ts";
export { Producer, type ProducerCounts, type ProducerOptions, type Sent } from "./producer.ts";
export {
  parseWebhook,
  type ReceivedWebhook,
  verifyWebhook,
  type WebhookHeaders,
  WebhookRefusedError,
} from "./receiver.ts";
export { RelayCallError } from "./relayCallError.ts";
export {
  type Event,
  type Fetch,
  type ProducerPosition,
  RelayClient,
  type RelayClientOptions,
} from "./relayClient.ts";
export type * from "./types.ts";
