import type { TrackedChannel } from "../state/trackedState.ts";
import type { Answer } from "./action.ts";
import { type AnswerField, failure, type ListItem, list } from "./answers.ts";
import { headerOf } from "./request.ts";

/** Asterisk: main/manager.c, `action_coreshowchannels`. */
export const coreShowChannels: Answer = (request, { state, nowEpochMillis }) =>
  list(request, "Channels will follow", "CoreShowChannelsComplete", {
    items: [...state.channels.values()].map((channel) => ({
      event: "CoreShowChannel",
      fields: [
        ...channel.fields,
        ["Application", channel.application],
        ["ApplicationData", channel.applicationData],
        ["Duration", clockTime(secondsOf(channel, nowEpochMillis))],
        ["BridgeId", channel.bridge],
      ],
    })),
  });

/** Asterisk: main/manager.c, `action_status`, `generate_status`. Codecs and variables are not known. */
export const status: Answer = (request, { state, nowEpochMillis }) => {
  const name = headerOf(request, "Channel");
  const channels = [...state.channels.values()].filter((channel) => name === "" || channel.name === name);
  if (name !== "" && channels.length === 0) return failure(request, "No such channel");
  const items = channels.map((channel) => statusItem(channel, nowEpochMillis));
  return list(request, "Channel status will follow", "StatusComplete", {
    items,
    last: [["Items", items.length]],
  });
};

function statusItem(channel: TrackedChannel, nowEpochMillis: number): ListItem {
  const fieldOf = (name: string) => channel.fields.find(([field]) => field === name)?.[1] ?? "";
  const fields: AnswerField[] = [
    ...channel.fields,
    ["Type", channel.name.split("/", 1)[0] ?? ""],
    ["DNID", ""],
    ["EffectiveConnectedLineNum", fieldOf("ConnectedLineNum")],
    ["EffectiveConnectedLineName", fieldOf("ConnectedLineName")],
    ["TimeToHangup", 0],
    ["BridgeID", channel.bridge],
    ["Application", channel.application],
    ["Data", channel.applicationData],
    ["Nativeformats", ""],
    ["Readformat", ""],
    ["Readtrans", ""],
    ["Writeformat", ""],
    ["Writetrans", ""],
    ["Callgroup", 0],
    ["Pickupgroup", 0],
    ["Seconds", secondsOf(channel, nowEpochMillis)],
  ];
  return { event: "Status", head: [["Privilege", "Call"]], fields, idLast: true };
}

/** Asterisk: main/manager.c, `action_coreshowchannelmap`: the channels in the same bridge. */
export const coreShowChannelMap: Answer = (request, { state }) => {
  const name = headerOf(request, "Channel");
  if (name === "") return failure(request, "CoreShowChannelMap requires a channel.");
  const channel = [...state.channels.values()].find((each) => each.name === name);
  if (channel === undefined) return failure(request, "Could not get channel snapshot");
  const connected = [...state.channels.values()].filter(
    (each) => channel.bridge !== "" && each.bridge === channel.bridge && each.name !== name,
  );
  return list(request, "Channel map will follow", "CoreShowChannelMapComplete", {
    items: connected.map((each) => ({
      event: "CoreShowChannelMap",
      fields: [
        ["Channel", name],
        ["ConnectedChannel", each.name],
      ],
    })),
  });
};

/** Asterisk: main/manager_bridges.c, `manager_bridges_list`. */
export const bridgeList: Answer = (request, { state }) => {
  // Asterisk compares its BridgeType header with the technology.
  const technology = headerOf(request, "BridgeType");
  const bridges = [...state.bridges.values()].filter(
    (bridge) => technology === "" || bridge.technology === technology,
  );
  return list(request, "Bridge listing will follow", "BridgeListComplete", {
    items: bridges.map(({ fields }) => ({ event: "BridgeListItem", fields })),
  });
};

/** Asterisk: main/manager_bridges.c, `manager_bridge_info`. */
export const bridgeInfo: Answer = (request, { state }) => {
  const id = headerOf(request, "BridgeUniqueid");
  if (id === "") return failure(request, "BridgeUniqueid must be provided");
  const bridge = state.bridges.get(id);
  if (bridge === undefined) return failure(request, "Specified BridgeUniqueid not found");
  const channels = [...state.channels.values()].filter((channel) => channel.bridge === id);
  return list(request, "Bridge channel listing will follow", "BridgeInfoComplete", {
    items: channels.map(({ fields }) => ({ event: "BridgeInfoChannel", fields })),
    last: bridge.fields,
  });
};

function secondsOf({ createdAtEpochMillis }: TrackedChannel, nowEpochMillis: number): number {
  return Math.max(0, Math.floor((nowEpochMillis - createdAtEpochMillis) / 1000));
}

function clockTime(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
