import type { DeliverParts } from "../../../functions/deliver/deliver.ts";
import { createFollowers } from "../../../shared/queue/follower.ts";
import { silentLog } from "../../../shared/runtime/log.ts";
import { silentMetrics } from "../../../shared/runtime/metrics.ts";
import { readSettings } from "../../../shared/runtime/settings.ts";
import { createJudges } from "../../../shared/sessions/judge.ts";
import { SharedMessages } from "../../../shared/webhook/sharedMessages.ts";
import { type MemoryRelay, openGate } from "../../support/memoryRelay.ts";

/** What deliver works with on a relay in memory, whose endpoints accept everything. */
export function deliverParts(relay: MemoryRelay, own: Partial<DeliverParts>): DeliverParts {
  return {
    cursors: relay.cursorStore(openGate),
    sessions: relay.sessionStore(),
    followerOf: createFollowers(relay.pageReader(openGate), relay.clock),
    wakes: relay.wakeSender(openGate),
    webhook: { post: async () => ({ kind: "accepted", status: 200, durationMillis: 1 }) },
    clock: relay.clock,
    judgeOf: createJudges(() => 0, relay.clock),
    sharedMessages: new SharedMessages(),
    random: () => 0.5,
    attempts: { record: async () => {} },
    log: silentLog,
    metrics: silentMetrics,
    settings: { ...readSettings({}), lingerMillis: 0 },
    stopping: new AbortController().signal,
    ...own,
  };
}
