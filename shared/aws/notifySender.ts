import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { NotifyHint } from "../queue/hints.ts";

/** Sends "the feed advanced". */
export class NotifySender {
  readonly #sqs: SQSClient;
  readonly #queueUrl: string;

  constructor(sqs: SQSClient, queueUrl: string) {
    this.#sqs = sqs;
    this.#queueUrl = queueUrl;
  }

  async sendNotify(hint: NotifyHint): Promise<void> {
    await this.#sqs.send(
      new SendMessageCommand({ QueueUrl: this.#queueUrl, MessageBody: JSON.stringify(hint) }),
    );
  }
}
