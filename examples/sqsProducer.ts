/**
 * Sends one event to a feed over SQS, and takes the AWS settings from the shell as every AWS client does:
 *
 *   npx node examples/sqsProducer.ts FEED EVENT
 *
 * QUEUE is the queue's name: stasis-relay-ingest.fifo on one machine, stasis-relay-ingest-STAGE.fifo on AWS.
 */
import { randomUUID } from "node:crypto";
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

const [feed, event] = process.argv.slice(2);
const { QUEUE = "stasis-relay-ingest.fifo" } = process.env;
if (!feed || !event) {
  console.error("usage: npx node examples/sqsProducer.ts FEED EVENT (the event as JSON)");
  process.exit(1);
}
if (!process.env.AWS_REGION && !process.env.AWS_PROFILE) {
  console.error("This shell has no AWS settings. Paste the line with export that npm start prints.");
  process.exit(1);
}

// An embedded queue's URL has a name that not every system resolves. The endpoint in the shell leads to it as well.
const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: QUEUE }));
const { MessageId } = await sqs.send(
  new SendMessageCommand({
    QueueUrl,
    MessageBody: event,
    // SQS keeps the order within a group, and the relay takes the group for the feed.
    MessageGroupId: feed,
    MessageDeduplicationId: randomUUID(),
  }),
);
console.log(`sent as ${MessageId}`);
sqs.destroy();
