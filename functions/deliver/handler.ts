import { randomBytes } from "node:crypto";
import type { SQSEvent } from "aws-lambda";
import { openAttempts } from "../../shared/aws/attempts.ts";
import { openSessions } from "../../shared/aws/openSessions.ts";
import { createSecretOpener } from "../../shared/aws/webhookSecrets.ts";
import { createFollowers } from "../../shared/queue/follower.ts";
import { PageReader } from "../../shared/queue/pageReader.ts";
import { cpuMillis } from "../../shared/runtime/clock.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { AttemptRecorder } from "../../shared/sessions/attemptRecorder.ts";
import { createJudges } from "../../shared/sessions/judge.ts";
import { SharedMessages } from "../../shared/webhook/sharedMessages.ts";
import { createGuardedWebhookClient } from "../../shared/webhook/webhookClient.ts";
import { defineHandler, recording } from "../handlerParts.ts";
import { createGroupOutlets } from "./deliverGroup.ts";
import { deliverWakes } from "./wakes.ts";

/** Runs a turn of each woken session. */
export const createHandler = defineHandler(
  "deliver",
  recording((environment, parts) => {
    const { clients, clock, settings } = parts;
    const { pages, sessions, ...stores } = openSessions(environment, clients, clock);
    const attempts = new AttemptRecorder({
      ...parts,
      sink: openAttempts(environment, clients, clock),
      intervalMillis: settings.attemptIntervalMillis,
    });
    const ports = {
      ...parts,
      ...stores,
      sessions: {
        readSession: sessions.gatheredReads(),
        openSecrets: createSecretOpener(environment),
      },
      followerOf: createFollowers(
        new PageReader(parts.advances?.before(pages) ?? pages),
        clock,
        parts.advances,
      ),
      webhook: parts.webhook ?? createGuardedWebhookClient(settings),
      judgeOf: createJudges(cpuMillis, clock),
      sharedMessages: new SharedMessages(),
      random: Math.random,
      attempts,
    };
    const groupPorts = {
      ...ports,
      outletOf: createGroupOutlets(ports),
      newToken: () => randomBytes(8).toString("base64url"),
      handsOnAtOnce: parts.advances !== undefined,
    };
    return async ({ Records }: SQSEvent) => {
      const response = await deliverWakes(groupPorts, Records);
      await attempts.writeDue();
      return response;
    };
  }),
);

export const handler = onFirstEvent(createHandler);
