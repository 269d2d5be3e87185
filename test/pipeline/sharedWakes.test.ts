import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { interceptCalls } from "../support/awsCalls.ts";
import { someEvents, TestRelay } from "../support/testRelay.ts";
import { WebhookReceiver } from "../support/webhookReceiver.ts";

/** More than one group has. */
const SESSIONS = 40;
/** Sent one by one, they take longer than the longest turn of a group, which is 7.5 seconds. */
const MESSAGES = 100;
const ANSWER_AFTER_MILLIS = 100;

it("the groups of a feed are woken together, and handed on together when their time is over", async () => {
  await using receiver = await WebhookReceiver.start();
  // Each function by itself, as on AWS. In one process a group is handed on at once.
  const apart = { host: <Handler>(_name: string, create: () => Handler) => create() };
  const settings = { RELAY_CURSOR_GROUPS: "1", RELAY_SWEEP_SECONDS: "3600" };
  await using relay = await TestRelay.start(settings, undefined, apart);
  receiver.answer = async () => {
    await pause(ANSWER_AFTER_MILLIS);
    return { status: 204 };
  };
  const wakes: string[][] = [];
  interceptCalls(relay.relay.clients, (call, perform) => {
    if (call.input.QueueUrl === relay.relay.queues.wake.url && call.command.startsWith("SendMessage"))
      for (const { MessageBody } of call.input.Entries ?? [call.input]) {
        const { group, groups = [group] } = JSON.parse(MessageBody);
        wakes.push(groups);
      }
    return perform();
  });
  const paths = Array.from({ length: SESSIONS }, (_, index) => `/${index}`);
  for (const path of paths) await relay.createSession({ feed: "pbx", url: receiver.url(path), maxBatch: 1 });
  wakes.length = 0;

  await relay.append("pbx", someEvents(MESSAGES));
  for (const path of paths) await receiver.untilReceived(path, MESSAGES, 30_000);
  expect(wakes[0]).toHaveLength(2);
  const handedOn = wakes.slice(1);
  expect(handedOn.filter((groups) => groups.length === 2).length).toBeGreaterThan(0);
}, 60_000);
