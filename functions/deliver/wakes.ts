import type { SQSBatchResponse, SQSRecord } from "aws-lambda";
import { phaseOf } from "../../shared/aws/keys.ts";
import { wakeHintSchema } from "../../shared/queue/hints.ts";
import { processHints, readHints } from "../../shared/runtime/sqsBatch.ts";
import { groupTurn, turnMillis } from "../../shared/webhook/lane.ts";
import { type DeliverParts, deliver } from "./deliver.ts";
import { type DeliverGroupParts, deliverGroup, deliverGroups } from "./deliverGroup.ts";
import type { HandOnParts } from "./handOns.ts";
import { sendTestMessage } from "./testMessage.ts";

/** Runs one turn for each session and each group in an SQS batch of wakes. Duplicate wakes share a turn. */
export function deliverWakes(
  parts: DeliverParts &
    DeliverGroupParts &
    HandOnParts & { readonly settings: { readonly turnMillis: number } },
  records: readonly SQSRecord[],
): Promise<SQSBatchResponse> {
  const wakes = readHints(records, wakeHintSchema, parts.log);
  const millis = turnMillis(wakes.size, parts.settings.turnMillis);
  return processHints(
    wakes,
    (wake) => JSON.stringify(wake),
    async (_key, [wake]) => {
      if (wake === undefined) return;
      const times = groupTurn(parts.clock.nowEpochMillis(), phaseOf(wake.feed), parts.settings.turnMillis);
      if ("groups" in wake) await deliverGroups(parts, wake, times.turnMillis, times.restMillis);
      else if ("group" in wake) await deliverGroup(parts, wake, times.turnMillis, times.restMillis);
      else if (wake.test) await sendTestMessage(parts, wake, wake.test);
      else await deliver(parts, wake, millis);
    },
    parts.log,
  );
}
