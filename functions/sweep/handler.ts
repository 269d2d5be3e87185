import { openCursors } from "../../shared/aws/openSessions.ts";
import { onFirstEvent } from "../../shared/runtime/onFirstEvent.ts";
import { defineHandler } from "../handlerParts.ts";
import { sweep } from "./sweep.ts";

/** Runs on a schedule; the event itself says nothing that the sweep needs. */
export const createHandler = defineHandler("sweep", (environment, parts) => {
  const stores = openCursors(environment, parts.clients, parts.clock);
  return () => sweep({ ...parts, ...stores });
});

export const handler = onFirstEvent(createHandler);
