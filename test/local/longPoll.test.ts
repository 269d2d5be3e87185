import { describe, expect, it } from "vitest";
import { withLongPolling } from "../../local/engines/longPoll.ts";
import type { SqsRoute } from "../../local/engines/sqsRoute.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { ManualClock } from "../support/manualClock.ts";

const REPLY = { status: () => {}, header: () => {} };

/** Runs everything that is ready. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

function started() {
  const clock = new ManualClock();
  const closing = new AbortController();
  const looks: unknown[] = [];
  /** What the queue has for whoever looks. */
  const visible: string[] = [];
  let refusal: number | undefined;
  let nextVisibleInMillis = Number.POSITIVE_INFINITY;
  const route: SqsRoute = async ({ headers, body }, reply) => {
    if (headers["x-amz-target"] !== "AmazonSQS.ReceiveMessage") return {};
    looks.push(body);
    if (refusal !== undefined) reply.status(refusal);
    return { Messages: visible.length > 0 ? visible.splice(0) : undefined };
  };
  const polled = withLongPolling(
    route,
    () => clock.nowEpochMillis() + nextVisibleInMillis,
    closing.signal,
    clock,
  );
  const call = (action: string, body: object) =>
    polled(
      { headers: { "x-amz-target": `AmazonSQS.${action}` }, body: { QueueUrl: "http://sqs/0/q", ...body } },
      REPLY,
    );
  const receive = (waitSeconds?: number) => {
    const received: { messages?: unknown } = {};
    void call("ReceiveMessage", { WaitTimeSeconds: waitSeconds }).then((answer) => {
      received.messages = (answer as { Messages?: unknown }).Messages ?? [];
    });
    return received;
  };
  return {
    clock,
    closing,
    looks,
    call,
    receive,
    refuse: (status: number) => {
      refusal = status;
    },
    show: (message: string) => void visible.push(message),
    showNextIn: (millis: number) => {
      nextVisibleInMillis = millis;
    },
    async pass(millis: number) {
      clock.pass(millis);
      await settle();
    },
  };
}

describe("long polling of the embedded SQS", () => {
  it("looks once and waits, and looks once more when the time is over", async () => {
    const { looks, receive, pass } = started();
    const received = receive(20);
    await pass(19_999);
    expect(looks).toMatchObject([{ WaitTimeSeconds: 0 }]);
    expect(received.messages).toBeUndefined();
    await pass(1);
    expect(received.messages).toEqual([]);
    expect(looks).toHaveLength(2);
  });

  it("waits no longer when the machine's clock is set back", async () => {
    let aheadMillis = 0;
    const clock = { ...systemClock, nowEpochMillis: () => Date.now() + aheadMillis };
    const polled = withLongPolling(
      async () => ({}),
      () => Number.POSITIVE_INFINITY,
      new AbortController().signal,
      clock,
    );
    const headers = { "x-amz-target": "AmazonSQS.ReceiveMessage" };
    const answer = polled({ headers, body: { WaitTimeSeconds: 1 } }, REPLY);
    aheadMillis = -3_600_000;
    expect(await answer).toEqual({});
  });

  it("answers when a request has changed the queue, and not when one has changed another queue", async () => {
    const { call, looks, receive, show } = started();
    const received = receive(20);
    await settle();
    show("now");
    await call("SendMessage", { QueueUrl: "http://sqs/0/other" });
    await settle();
    expect(looks).toHaveLength(1);
    await call("SendMessage", {});
    await settle();
    expect(received.messages).toEqual(["now"]);
  });

  it("looks when time makes a message visible", async () => {
    const { receive, pass, show, showNextIn } = started();
    showNextIn(700);
    const received = receive(20);
    await settle();
    await pass(699);
    show("due");
    expect(received.messages).toBeUndefined();
    await pass(1);
    expect(received.messages).toEqual(["due"]);
  });

  it("misses nothing that comes during a look", async () => {
    const { call, receive, show } = started();
    const received = receive(20);
    const sent = call("SendMessage", {});
    show("meanwhile");
    await sent;
    await settle();
    expect(received.messages).toEqual(["meanwhile"]);
  });

  it.each([
    ["that does not wait", undefined],
    ["for no number of seconds that SQS takes", 21],
  ])("leaves a request %s to the engine", async (_title, waitSeconds) => {
    const { looks, receive } = started();
    const received = receive(waitSeconds);
    await settle();
    expect(received.messages).toEqual([]);
    expect(looks).toMatchObject([{ WaitTimeSeconds: waitSeconds }]);
  });

  it("does not wait after a refusal", async () => {
    const { receive, refuse } = started();
    refuse(400);
    const refused = receive(20);
    await settle();
    expect(refused.messages).toEqual([]);
  });

  it("ends when the engine closes", async () => {
    const { closing, receive } = started();
    const waiting = receive(20);
    await settle();
    expect(waiting.messages).toBeUndefined();
    closing.abort();
    await settle();
    expect(waiting.messages).toEqual([]);
  });
});
