import { type SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, it } from "vitest";
import { WakeSender } from "../../../shared/aws/wakeSender.ts";
import { GROUPS_IN_WAKE, type WakeHint } from "../../../shared/queue/hints.ts";

/** An SQS that takes all messages but those whose text `refuses` matches. */
function senderTo(refuses = /^$/) {
  const calls: WakeHint[][] = [];
  const sqs = new SQSClient({ region: "local" });
  sqs.middlewareStack.add(
    () => async (args) => {
      const { Entries = [] } = args.input as SendMessageBatchCommand["input"];
      calls.push(Entries.map(({ MessageBody = "" }) => JSON.parse(MessageBody)));
      const Failed = Entries.filter(({ MessageBody = "" }) => refuses.test(MessageBody)).map(({ Id }) => ({
        Id,
      }));
      return { output: { Failed, $metadata: {} }, response: {} };
    },
    { step: "initialize", name: "noNetwork" },
  );
  return { calls, sender: new WakeSender(sqs, { fast: "fast", slow: "slow" }) };
}

const groupsOf = (feed: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ feed, group: `${feed}-${index}` }));

it("names four groups of a feed in one wake, and never two feeds", async () => {
  const { calls, sender } = senderTo();
  await sender.sendWakes([...groupsOf("a", GROUPS_IN_WAKE + 2), ...groupsOf("b", 1)]);
  expect(calls).toEqual([
    [
      { feed: "a", groups: ["a-0", "a-1", "a-2", "a-3"] },
      { feed: "a", groups: ["a-4", "a-5"] },
      { feed: "b", group: "b-0" },
    ],
  ]);
});

it("sends ten wakes with each call", async () => {
  const { calls, sender } = senderTo();
  await sender.sendWakes(groupsOf("a", 12 * GROUPS_IN_WAKE));
  expect(calls.map((wakes) => wakes.length)).toEqual([10, 2]);
});

it("returns all groups of the wakes that SQS took", async () => {
  const { sender } = senderTo(/a-4/);
  const sent = await sender.sendWakes(groupsOf("a", GROUPS_IN_WAKE + 2));
  expect(sent.map(({ group }) => group)).toEqual(["a-0", "a-1", "a-2", "a-3"]);
});
