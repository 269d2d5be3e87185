import { BoundedMap } from "./boundedMap.ts";
import type { EventFields } from "./eventFields.ts";
import type { TrackedCaller, TrackedMember, TrackedQueue } from "./trackedState.ts";

const MOST_QUEUES = 300;
const MOST_MEMBERS = 300;
const MOST_CALLERS = 300;

interface Queue extends TrackedQueue {
  readonly name: string;
  completed: number;
  abandoned: number;
  readonly members: BoundedMap<TrackedMember>;
  readonly callers: BoundedMap<TrackedCaller>;
}

/** Queues, as far as app_queue's events tell them. Asterisk: apps/app_queue.c. */
export class QueueTracker {
  readonly queues = new BoundedMap<Queue>(MOST_QUEUES);

  /** Takes an event; false when it is about something else. */
  apply(name: string, fields: EventFields, atEpochMillis: number): boolean {
    if (!/^(?:Queue(?:Member|Caller)|AgentComplete$)/.test(name)) return false;
    const queue = this.#queueOf(fields.get("Queue"));
    if (queue === undefined) return true;
    switch (name) {
      case "QueueMemberRemoved":
        queue.members.delete(fields.get("Interface"));
        break;
      case "QueueCallerJoin":
        queue.callers.set(fields.get("Uniqueid"), callerOf(fields, atEpochMillis));
        break;
      case "QueueCallerLeave":
        queue.callers.delete(fields.get("Uniqueid"));
        break;
      case "QueueCallerAbandon":
        queue.callers.delete(fields.get("Uniqueid"));
        queue.abandoned += 1;
        break;
      case "AgentComplete":
        queue.completed += 1;
        break;
      default:
        this.#changeMember(queue, fields);
    }
    return true;
  }

  /** Asterisk has stopped: nobody waits any more. */
  clear(): void {
    for (const { callers } of this.queues.values()) callers.clear();
  }

  #queueOf(name: string): Queue | undefined {
    if (name === "") return undefined;
    const queue = this.queues.get(name) ?? {
      name,
      completed: 0,
      abandoned: 0,
      members: new BoundedMap(MOST_MEMBERS),
      callers: new BoundedMap(MOST_CALLERS),
    };
    this.queues.set(name, queue);
    return queue;
  }

  /** QueueMemberAdded, QueueMemberStatus, QueueMemberPause and the like have all of a member's fields. */
  #changeMember({ members }: Queue, fields: EventFields): void {
    const location = fields.get("Interface");
    if (location === "" || fields.get("StateInterface") === "") return;
    members.set(location, {
      name: fields.get("MemberName"),
      location,
      fields: fields.after("Interface").filter(([name]) => name !== "Ringinuse"),
      status: fields.number("Status"),
      isPaused: fields.get("Paused") === "1",
    });
  }
}

function callerOf(fields: EventFields, atEpochMillis: number): TrackedCaller {
  const known = (name: string) => fields.get(name).replace(/^<unknown>$/, "unknown");
  return {
    channel: fields.get("Channel"),
    uniqueId: fields.get("Uniqueid"),
    callerNumber: known("CallerIDNum"),
    callerName: known("CallerIDName"),
    connectedNumber: known("ConnectedLineNum"),
    connectedName: known("ConnectedLineName"),
    joinedAtEpochMillis: atEpochMillis,
  };
}
