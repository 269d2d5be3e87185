import { randomUUID } from "node:crypto";
import { openSessions } from "../../shared/aws/openSessions.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { groupIdOf } from "../groupId.ts";
import { defineHandler, recording } from "../handlerParts.ts";
import { sweep } from "./sweep.ts";

/** Runs on a schedule and ignores the event. */
export const createHandler = defineHandler(
  "sweep",
  recording((environment, parts) => {
    const stores = openSessions(environment, parts.clients, parts.clock);
    return () =>
      sweep({ ...parts, ...stores, groupWakes: stores.wakes, newGroupId: () => groupIdOf(randomUUID()) });
  }),
);

export const handler = onFirstEvent(createHandler);
