import { randomUUID } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import { AmiUserStore } from "./amiUsers.ts";
import type { AwsClients } from "./clients.ts";
import { CursorStore } from "./cursors.ts";
import { openQueue, type QueueStores } from "./openQueue.ts";
import { ReferenceStore } from "./references.ts";
import { tables } from "./resources.ts";

export interface GatewayStores extends QueueStores {
  readonly cursors: CursorStore;
  readonly users: AmiUserStore;
}

/** The stores of the AMI gateway. It sends no wakes, and cannot change what a person configures. */
export function openGateway(environment: Environment, clients: AwsClients, clock: Clock): GatewayStores {
  const { documents } = clients;
  const references = new ReferenceStore(
    documents,
    requireVariable(environment, tables.queue.variable),
    clock,
  );
  return {
    ...openQueue(environment, clients, clock),
    cursors: new CursorStore(
      documents,
      requireVariable(environment, tables.cursors.variable),
      references,
      randomUUID,
      clock,
    ),
    users: new AmiUserStore(documents, requireVariable(environment, tables.sessions.variable)),
  };
}
