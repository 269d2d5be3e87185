import { randomUUID } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { type Environment, requireVariable } from "../runtime/settings.ts";
import type { AwsClients } from "./clients.ts";
import { GroupStore } from "./cursorGroups.ts";
import { CursorStore } from "./cursors.ts";
import { openQueue, type QueueStores } from "./openQueue.ts";
import { ReferenceStore } from "./references.ts";
import { queues, tables } from "./resources.ts";
import { SessionStore } from "./sessions.ts";
import { WakeSender } from "./wakeSender.ts";

export interface CursorStores extends QueueStores {
  readonly references: ReferenceStore;
  readonly cursors: CursorStore;
  readonly groups: GroupStore;
  readonly wakes: WakeSender;
}

export interface SessionStores extends CursorStores {
  readonly sessions: SessionStore;
}

/** For functions that move and wake sessions without reading their configuration. */
export function openCursors(environment: Environment, clients: AwsClients, clock: Clock): CursorStores {
  const { documents, sqs } = clients;
  const queueTable = requireVariable(environment, tables.queue.variable);
  const cursorsTable = requireVariable(environment, tables.cursors.variable);
  const references = new ReferenceStore(documents, queueTable, clock);
  return {
    ...openQueue(environment, clients, clock),
    references,
    cursors: new CursorStore(documents, cursorsTable, references, randomUUID, clock),
    groups: new GroupStore(documents, cursorsTable, references, clock),
    wakes: new WakeSender(sqs, {
      fast: requireVariable(environment, queues.wake.variable),
      slow: requireVariable(environment, queues.slow.variable),
    }),
  };
}

/** For functions that read or write the sessions' configuration too. */
export function openSessions(environment: Environment, clients: AwsClients, clock: Clock): SessionStores {
  const stores = openCursors(environment, clients, clock);
  const table = requireVariable(environment, tables.sessions.variable);
  return { ...stores, sessions: new SessionStore(clients.documents, table, stores, clock) };
}
