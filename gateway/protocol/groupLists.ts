import type { TrackedConference, TrackedParticipant, TrackedQueue } from "../state/trackedState.ts";
import type { Answer } from "./action.ts";
import { type AnswerField, failure, type ListItem, list } from "./answers.ts";
import { type AmiRequest, headerOf } from "./request.ts";

/**
 * Asterisk: apps/app_queue.c, `manager_queues_status`. Events do not tell a queue's configuration and hold times, so
 * those have Manager's defaults.
 */
export const queueStatus: Answer = (request, { state, nowEpochMillis }) => {
  const member = headerOf(request, "Member");
  const items = wantedQueues(request, state.queues).flatMap((queue) => [
    { event: "QueueParams", fields: paramsOf(queue), idLast: true },
    ...[...queue.members.values()]
      .filter(({ name, location }) => member === "" || member === name || member === location)
      .map((each) => ({
        event: "QueueMember",
        fields: [
          ["Queue", queue.name],
          ["Name", each.name],
          ["Location", each.location],
          ...each.fields,
        ] as const,
        idLast: true,
      })),
    ...entriesOf(queue, nowEpochMillis),
  ]);
  return list(request, "Queue status will follow", "QueueStatusComplete", { items });
};

function paramsOf({ name, callers, completed, abandoned }: TrackedQueue): AnswerField[] {
  return [
    ["Queue", name],
    ["Max", 0],
    ["Strategy", "ringall"],
    ["Calls", callers.size],
    ["Holdtime", 0],
    ["TalkTime", 0],
    ["Completed", completed],
    ["Abandoned", abandoned],
    ["ServiceLevel", 0],
    ["ServicelevelPerf", "0.0"],
    ["ServicelevelPerf2", "0.0"],
    ["Weight", 0],
  ];
}

function entriesOf({ name, callers }: TrackedQueue, nowEpochMillis: number): ListItem[] {
  return [...callers.values()].map((caller, index) => ({
    event: "QueueEntry",
    fields: [
      ["Queue", name],
      ["Position", index + 1],
      ["Channel", caller.channel],
      ["Uniqueid", caller.uniqueId],
      ["CallerIDNum", caller.callerNumber],
      ["CallerIDName", caller.callerName],
      ["ConnectedLineNum", caller.connectedNumber],
      ["ConnectedLineName", caller.connectedName],
      ["Wait", secondsSince(caller.joinedAtEpochMillis, nowEpochMillis)],
      ["Priority", 0],
    ],
    idLast: true,
  }));
}

/** Device states of app_queue.c in which a member is not logged in, or can be called. */
const LOGGED_OUT = new Set([4, 5]);
const AVAILABLE = new Set([0, 1]);

/** Asterisk: apps/app_queue.c, `manager_queues_summary`. */
export const queueSummary: Answer = (request, { state, nowEpochMillis }) =>
  list(request, "Queue summary will follow", "QueueSummaryComplete", {
    items: wantedQueues(request, state.queues).map(({ name, members, callers }) => {
      const loggedIn = [...members.values()].filter(({ status }) => !LOGGED_OUT.has(status));
      const available = loggedIn.filter(({ status, isPaused }) => AVAILABLE.has(status) && !isPaused);
      const waits = [...callers.values()].map((each) =>
        secondsSince(each.joinedAtEpochMillis, nowEpochMillis),
      );
      return {
        event: "QueueSummary",
        fields: [
          ["Queue", name],
          ["LoggedIn", loggedIn.length],
          ["Available", available.length],
          ["Callers", callers.size],
          ["HoldTime", 0],
          ["TalkTime", 0],
          ["LongestHoldTime", Math.max(0, ...waits)],
        ],
        idLast: true,
      };
    }),
  });

function wantedQueues(request: AmiRequest, queues: ReadonlyMap<string, TrackedQueue>): TrackedQueue[] {
  const wanted = headerOf(request, "Queue").toLowerCase();
  return [...queues.values()].filter(({ name }) => wanted === "" || name.toLowerCase() === wanted);
}

/** Asterisk: apps/app_confbridge.c, `action_confbridgelistrooms`. */
export const confbridgeListRooms: Answer = (request, { state }) => {
  if (state.conferences.size === 0) return failure(request, "No active conferences.");
  return list(request, "Confbridge conferences will follow", "ConfbridgeListRoomsComplete", {
    items: [...state.conferences.values()].map((conference) => ({
      event: "ConfbridgeListRooms",
      fields: [
        ["Conference", conference.name],
        ["Parties", conference.participants.size],
        ["Marked", [...conference.participants.values()].filter(({ isMarked }) => isMarked).length],
        ["Locked", yesNo(conference.isLocked)],
        ["Muted", yesNo(conference.isMuted)],
      ],
    })),
  });
};

/** Asterisk: apps/app_confbridge.c, `action_confbridgelist`. */
export const confbridgeList: Answer = (request, { state, nowEpochMillis }) => {
  const name = headerOf(request, "Conference");
  if (name === "") return failure(request, "No Conference name provided.");
  if (state.conferences.size === 0) return failure(request, "No active conferences.");
  const conference = state.conferences.get(name);
  if (conference === undefined) return failure(request, "No Conference by that name found.");
  return list(request, "Confbridge user list will follow", "ConfbridgeListComplete", {
    items: [...conference.participants.values()].map((each) => ({
      event: "ConfbridgeList",
      fields: participantFields(conference, each, nowEpochMillis),
    })),
  });
};

function participantFields(
  { name }: TrackedConference,
  each: TrackedParticipant,
  nowEpochMillis: number,
): AnswerField[] {
  return [
    ["Conference", name],
    ["Admin", yesNo(each.isAdmin)],
    ["MarkedUser", yesNo(each.isMarked)],
    ["WaitMarked", "No"],
    ["EndMarked", "No"],
    ["EndMarkedAny", "No"],
    ["Waiting", "No"],
    ["Muted", yesNo(each.isMuted)],
    ["Talking", yesNo(each.isTalking)],
    ["AnsweredTime", secondsSince(each.joinedAtEpochMillis, nowEpochMillis)],
    ...each.fields,
  ];
}

/** Asterisk: res/parking/parking_manager.c, `manager_parking_status`. */
export const parkedCalls: Answer = (request, { state, nowEpochMillis }) => {
  const lot = headerOf(request, "ParkingLot");
  const calls = [...state.parkedCalls.values()].filter((call) => lot === "" || call.lot === lot);
  const items = calls.map(({ fields, parkedAtEpochMillis }) => ({
    event: "ParkedCall",
    fields: fields.map(
      ([name, value]): AnswerField =>
        name === "ParkingDuration"
          ? [name, secondsSince(parkedAtEpochMillis, nowEpochMillis)]
          : [name, value],
    ),
    idLast: true,
  }));
  return list(request, "Parked calls will follow", "ParkedCallsComplete", {
    items,
    last: [["Total", items.length]],
  });
};

/** Asterisk: res/parking/parking_manager.c. No event tells the lots' configuration. */
export const parkinglots: Answer = (request) =>
  list(request, "Parking lots will follow", "ParkinglotsComplete", { items: [] });

/** Asterisk: apps/app_agent_pool.c. */
export const agents: Answer = (request) =>
  list(request, "Agents will follow", "AgentsComplete", { items: [] });

/** Asterisk: channels/chan_iax2.c, `manager_iax2_show_peers`. */
export const iaxPeers: Answer = (request) =>
  list(request, "Peer status list will follow", "PeerlistComplete", { items: [] });

function secondsSince(epochMillis: number, nowEpochMillis: number): number {
  return Math.max(0, Math.floor((nowEpochMillis - epochMillis) / 1000));
}

function yesNo(is: boolean): string {
  return is ? "Yes" : "No";
}
