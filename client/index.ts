/**
 * The client library: `RelayClient` calls the relay, `Producer` appends events, `verifyWebhook` and `follow` receive
 * messages. It runs in Node and in browsers. `nodeReceiver.ts`, the HTTP server, is for Node only.
 */
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
  type EventBody,
  type Fetch,
  type ProducerPosition,
  RelayClient,
  type RelayClientOptions,
} from "./relayClient.ts";
export type * from "./types.ts";
export { webhookText } from "./webhookText.ts";
