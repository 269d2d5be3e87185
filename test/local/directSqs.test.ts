import {
  CreateQueueCommand,
  DeleteMessageCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { startSqs } from "../../local/engines/sqs.ts";
import { createClients, destroyClients } from "../../shared/aws/clients.ts";

async function started(fault: () => string | undefined = () => undefined) {
  const engine = await startSqs({ fault });
  const environment = {
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL_SQS: engine.endpoint,
    AWS_ACCESS_KEY_ID: engine.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engine.credentials.secretAccessKey,
  };
  const http = createClients(environment);
  const direct = createClients(environment, { sqs: engine.directHandler });
  return {
    engine,
    http: http.sqs,
    direct: direct.sqs,
    async [Symbol.asyncDispose]() {
      destroyClients(http);
      destroyClients(direct);
      await engine.close();
    },
  };
}

describe("the embedded SQS, called without a socket", () => {
  it("has the same queues as over HTTP", async () => {
    await using sqs = await started();
    const { QueueUrl } = await sqs.http.send(new CreateQueueCommand({ QueueName: "q" }));
    await sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "Grüße" }));
    const overHttp = await sqs.http.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(overHttp.Messages).toMatchObject([{ Body: "Grüße" }]);
    await sqs.http.send(new SendMessageCommand({ QueueUrl, MessageBody: "back" }));
    const received = await sqs.direct.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    expect(received.Messages).toMatchObject([{ Body: "back" }]);
  });

  it.each(["direct", "http"] as const)(
    "answers a long poll (%s) as soon as a message arrives",
    async (caller) => {
      await using sqs = await started();
      const { QueueUrl } = await sqs.http.send(new CreateQueueCommand({ QueueName: "q" }));
      const begun = performance.now();
      const polling = sqs[caller].send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
      await sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "now" }));
      expect((await polling).Messages).toMatchObject([{ Body: "now" }]);
      expect(performance.now() - begun).toBeLessThan(10_000);
    },
  );

  it("gives out a delayed message when its time has come, and a hidden one when it is visible again", async () => {
    await using sqs = await started();
    const { QueueUrl } = await sqs.http.send(new CreateQueueCommand({ QueueName: "q" }));
    const begun = performance.now();
    await sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "later", DelaySeconds: 1 }));
    const receive = { QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 1 };
    for (const seconds of [1, 2]) {
      const { Messages } = await sqs.direct.send(new ReceiveMessageCommand(receive));
      expect(Messages).toMatchObject([{ Body: "later" }]);
      expect(performance.now() - begun).toBeGreaterThanOrEqual(1000 * seconds - 5);
      expect(performance.now() - begun).toBeLessThan(10_000);
    }
  });

  it("gives out the next message of a FIFO group once the one before is deleted", async () => {
    await using sqs = await started();
    const { QueueUrl } = await sqs.http.send(
      new CreateQueueCommand({ QueueName: "q.fifo", Attributes: { FifoQueue: "true" } }),
    );
    for (const MessageBody of ["first", "second"]) {
      const MessageGroupId = "pbx";
      const MessageDeduplicationId = MessageBody;
      const message = { QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId };
      await sqs.direct.send(new SendMessageCommand(message));
    }
    const receive = () => sqs.direct.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const { Messages: [first] = [] } = await receive();
    expect(first).toMatchObject({ Body: "first" });
    const begun = performance.now();
    const next = receive();
    await sqs.direct.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    expect((await next).Messages).toMatchObject([{ Body: "second" }]);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it("ends a long poll when it closes", async () => {
    await using sqs = await started();
    const { QueueUrl } = await sqs.http.send(new CreateQueueCommand({ QueueName: "q" }));
    const polling = sqs.direct.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const begun = performance.now();
    await sqs.engine.close();
    await Promise.allSettled([polling]);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it("refuses as SQS does", async () => {
    await using sqs = await started();
    const QueueUrl = `${sqs.engine.endpoint}/000000000000/nowhere`;
    const sending = sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    await expect(sending).rejects.toBeInstanceOf(QueueDoesNotExist);
  });

  it("takes nothing while nothing can be kept, and goes on giving out", async () => {
    let fault: string | undefined;
    await using sqs = await started(() => fault);
    const { QueueUrl } = await sqs.http.send(new CreateQueueCommand({ QueueName: "q" }));
    await sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "kept" }));
    fault = "the disk is full";
    const sending = sqs.direct.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    await expect(sending).rejects.toThrow("the disk is full");
    const received = await sqs.direct.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(received.Messages).toMatchObject([{ Body: "kept" }]);
    expect(sqs.engine.fault()).toBe("the disk is full");
  });
});
