import type { ReadAction } from "./action.ts";
import * as channels from "./channelLists.ts";
import * as core from "./coreAnswers.ts";
import * as devices from "./deviceLists.ts";
import * as groups from "./groupLists.ts";

const NONE = "<none>";
const SYSTEM = "system,all";
const REPORTING = "system,reporting,all";

/**
 * The actions that only read. Asterisk asks for write classes, which an event-only user does not have; here a list is
 * open to those who may read the events with the same content.
 */
export const READ_ACTIONS: readonly ReadAction[] = [
  { name: "Agents", privilege: "agent,all", shows: "agent", answer: groups.agents },
  { name: "BridgeInfo", privilege: NONE, shows: "call", answer: channels.bridgeInfo },
  { name: "BridgeList", privilege: NONE, shows: "call", answer: channels.bridgeList },
  { name: "Command", privilege: "command,all", answer: core.command },
  { name: "ConfbridgeList", privilege: "reporting,all", shows: "call", answer: groups.confbridgeList },
  {
    name: "ConfbridgeListRooms",
    privilege: "reporting,all",
    shows: "call",
    answer: groups.confbridgeListRooms,
  },
  { name: "CoreSettings", privilege: REPORTING, answer: core.coreSettings },
  { name: "CoreShowChannelMap", privilege: REPORTING, shows: "call", answer: channels.coreShowChannelMap },
  { name: "CoreShowChannels", privilege: REPORTING, shows: "call", answer: channels.coreShowChannels },
  { name: "CoreStatus", privilege: REPORTING, answer: core.coreStatus },
  {
    name: "DeviceStateList",
    privilege: "call,reporting,all",
    shows: "call",
    answer: devices.deviceStateList,
  },
  { name: "ExtensionState", privilege: "call,reporting,all", shows: "call", answer: devices.extensionState },
  {
    name: "ExtensionStateList",
    privilege: "call,reporting,all",
    shows: "call",
    answer: devices.extensionStateList,
  },
  { name: "IAXpeers", privilege: "reporting,all", shows: "system", answer: groups.iaxPeers },
  { name: "ParkedCalls", privilege: NONE, shows: "call", answer: groups.parkedCalls },
  { name: "Parkinglots", privilege: NONE, shows: "call", answer: groups.parkinglots },
  { name: "Ping", privilege: NONE, answer: core.ping },
  { name: "PJSIPShowAors", privilege: SYSTEM, shows: "system", answer: devices.pjsipShowAors },
  { name: "PJSIPShowContacts", privilege: SYSTEM, shows: "system", answer: devices.pjsipShowContacts },
  { name: "PJSIPShowEndpoints", privilege: SYSTEM, shows: "system", answer: devices.pjsipShowEndpoints },
  {
    name: "PJSIPShowRegistrationsOutbound",
    privilege: REPORTING,
    shows: "system",
    answer: devices.pjsipShowRegistrationsOutbound,
  },
  {
    name: "PresenceStateList",
    privilege: "call,reporting,all",
    shows: "call",
    answer: devices.presenceStateList,
  },
  { name: "QueueStatus", privilege: NONE, shows: "agent", answer: groups.queueStatus },
  { name: "QueueSummary", privilege: NONE, shows: "agent", answer: groups.queueSummary },
  { name: "Status", privilege: "system,call,reporting,all", shows: "call", answer: channels.status },
];

/** The actions about the session itself, which dialogue.ts answers. */
export const SESSION_ACTIONS: readonly { readonly name: string; readonly privilege: string }[] = [
  { name: "Challenge", privilege: NONE },
  { name: "Events", privilege: NONE },
  { name: "Filter", privilege: SYSTEM },
  { name: "ListCommands", privilege: NONE },
  { name: "Login", privilege: NONE },
  { name: "Logoff", privilege: NONE },
  { name: "WaitEvent", privilege: NONE },
];

/** By name in lower case: action names are case-insensitive. */
export const readActions: ReadonlyMap<string, ReadAction> = new Map(
  READ_ACTIONS.map((action) => [action.name.toLowerCase(), action]),
);
