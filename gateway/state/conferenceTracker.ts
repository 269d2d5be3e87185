import { BoundedMap } from "./boundedMap.ts";
import { CHANNEL_BLOCK, type EventFields } from "./eventFields.ts";
import type { TrackedConference, TrackedParticipant } from "./trackedState.ts";

const MOST_CONFERENCES = 300;
const MOST_PARTICIPANTS = 500;

interface Conference extends TrackedConference {
  isLocked: boolean;
  isMuted: boolean;
  readonly participants: BoundedMap<TrackedParticipant>;
}

/** Conferences, as app_confbridge's events tell them. Asterisk: apps/confbridge/confbridge_manager.c. */
export class ConferenceTracker {
  readonly conferences = new BoundedMap<Conference>(MOST_CONFERENCES);

  /** Takes an event; false when it is about something else. */
  apply(name: string, fields: EventFields, atEpochMillis: number): boolean {
    if (!name.startsWith("Confbridge")) return false;
    const room = fields.get("Conference");
    if (room === "") return true;
    if (name === "ConfbridgeEnd") {
      this.conferences.delete(room);
      return true;
    }
    const conference = this.conferences.get(room) ?? {
      name: room,
      isLocked: false,
      isMuted: false,
      participants: new BoundedMap<TrackedParticipant>(MOST_PARTICIPANTS),
    };
    this.conferences.set(room, conference);
    if (name === "ConfbridgeLock") conference.isLocked = true;
    else if (name === "ConfbridgeUnlock") conference.isLocked = false;
    else changeParticipant(conference, name, fields, atEpochMillis);
    return true;
  }

  /** Asterisk has stopped: no conference is left. */
  clear(): void {
    this.conferences.clear();
  }
}

function changeParticipant(
  conference: Conference,
  name: string,
  fields: EventFields,
  atEpochMillis: number,
): void {
  const { participants } = conference;
  const id = fields.get("Uniqueid");
  const known = participants.get(id);
  if (name === "ConfbridgeJoin")
    participants.set(id, {
      isAdmin: fields.isYes("Admin"),
      isMarked: false,
      isMuted: fields.isYes("Muted"),
      isTalking: false,
      joinedAtEpochMillis: atEpochMillis,
      fields: fields.only(CHANNEL_BLOCK),
    });
  else if (name === "ConfbridgeLeave") participants.delete(id);
  else if (name === "ConfbridgeMute" || name === "ConfbridgeUnmute") {
    const isMuted = name === "ConfbridgeMute";
    // Without a channel, all of the conference is meant.
    if (id === "") conference.isMuted = isMuted;
    else if (known) participants.set(id, { ...known, isMuted });
  } else if (name === "ConfbridgeTalking" && known)
    participants.set(id, { ...known, isTalking: fields.get("TalkingStatus") === "on" });
}
