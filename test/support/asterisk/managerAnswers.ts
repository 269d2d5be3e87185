import { z } from "zod";
import type { PbxStateOfTests } from "./pbxState.ts";

export type Fields = Readonly<Record<string, string | undefined>>;

const CHANNEL_STATES: Readonly<Record<string, number>> = { Down: 0, Ring: 4, Ringing: 5, Up: 6 };

const person = z.object({ name: z.string(), number: z.string() });
const channelSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  caller: person,
  connected: person,
  accountcode: z.string(),
  dialplan: z.object({
    context: z.string(),
    exten: z.string(),
    priority: z.number(),
    app_name: z.string(),
    app_data: z.string(),
  }),
  creationtime: z.string(),
  language: z.string(),
  channelvars: z.record(z.string(), z.string()).optional(),
});
const bridgeSchema = z.object({
  id: z.string(),
  technology: z.string(),
  bridge_class: z.string(),
  creator: z.string(),
  name: z.string(),
  channels: z.array(z.string()),
  video_mode: z.string().optional(),
});

/** The class that an action needs, any of them. Actions that are not here are unknown. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  Ping: [],
  CoreSettings: ["system", "reporting"],
  CoreStatus: ["system", "reporting"],
  CoreShowChannels: ["system", "reporting"],
  BridgeList: [],
  BridgeInfo: [],
  DeviceStateList: ["call", "reporting"],
  PJSIPShowEndpoints: ["system"],
  Filter: ["system"],
  Originate: ["originate"],
  Command: ["command"],
};

/** Manager's answer to an action of a logged-in user, as recorded. `id` is the ActionID's line, or empty. */
export function answerTo(
  fields: Fields,
  id: string,
  write: readonly string[],
  state: PbxStateOfTests,
): string {
  const action = fields.Action ?? "";
  const needed = ACTIONS[action];
  if (needed === undefined)
    return `Response: Error\r\n${id}Message: Invalid/unknown command: ${action}. Use Action: ListCommands to show available commands.\r\n\r\n`;
  if (needed.length > 0 && !needed.some((each) => write.includes(each)))
    return `Response: Error\r\n${id}Message: Permission denied\r\n\r\n`;
  if (action === "Originate" || action === "Command") throw new Error(`no bridge sends the action ${action}`);
  const list = (message: string, items: readonly string[], end: string) =>
    `Response: Success\r\n${id}EventList: start\r\nMessage: ${message}\r\n\r\n${items.join("")}Event: ${end}\r\n${id}EventList: Complete\r\nListItems: ${items.length}\r\n\r\n`;
  const success = (body: string) => `Response: Success\r\n${id}${body}\r\n\r\n`;
  const started = state.startedLocal;
  switch (action) {
    case "Ping":
      return success(`Ping: Pong\r\nTimestamp: ${(state.nowEpochMillis / 1000).toFixed(6)}`);
    case "CoreSettings":
      return success(
        `AMIversion: 12.0.0\r\nAsteriskVersion: ${state.version}\r\nSystemName: ${state.systemName}\r\nCoreMaxCalls: 0`,
      );
    case "CoreStatus":
      return success(
        `CoreStartupDate: ${started.slice(0, 10)}\r\nCoreStartupTime: ${started.slice(11, 19)}\r\nCoreCurrentCalls: 0\r\nCoreProcessedCalls: 0`,
      );
    case "CoreShowChannels": {
      const items = [...state.channels.values()].map(
        (value) => `Event: CoreShowChannel\r\n${id}${channelLines(value, state.nowEpochMillis)}\r\n`,
      );
      return list("Channels will follow", items, "CoreShowChannelsComplete");
    }
    case "BridgeList": {
      const items = [...state.bridges.values()].map(
        (value) => `Event: BridgeListItem\r\n${id}${bridgeLines(value)}\r\n`,
      );
      return list("Bridge listing will follow", items, "BridgeListComplete");
    }
    case "BridgeInfo": {
      const bridge = state.bridges.get(fields.BridgeUniqueid ?? "");
      if (bridge === undefined)
        return `Response: Error\r\n${id}Message: Specified BridgeUniqueid not found\r\n\r\n`;
      const items = bridgeSchema
        .parse(bridge)
        .channels.map((channel) => `Event: BridgeInfoChannel\r\n${id}Uniqueid: ${channel}\r\n\r\n`);
      return list("Bridge channel listing will follow", items, "BridgeInfoComplete");
    }
    case "DeviceStateList": {
      const items = [...state.deviceStates.values()].map(
        ({ name, state: now }) => `Event: DeviceStateChange\r\n${id}Device: ${name}\r\nState: ${now}\r\n\r\n`,
      );
      return list("Device State Changes will follow", items, "DeviceStateListComplete");
    }
    default: {
      // Asterisk's own text ends with a line feed, which makes an empty line.
      if (state.endpoints.length === 0)
        return `Response: Error\r\n${id}Message: No endpoints found\n\r\n\r\n`;
      const items = state.endpoints.map(
        ({ resource, state: now }) =>
          `Event: EndpointList\r\n${id}ObjectType: endpoint\r\nObjectName: ${resource}\r\nTransport: udp\r\nDeviceState: ${now === "online" ? "Not in use" : "Unavailable"}\r\nActiveChannels: \r\n\r\n`,
      );
      return list(
        "A listing of Endpoints follows, presented as EndpointList events",
        items,
        "EndpointListComplete",
      );
    }
  }
}

/** Fields as in main/manager_channels.c, `ast_manager_build_channel_state_string_prefix`. */
function channelLines(value: unknown, nowEpochMillis: number): string {
  const channel = channelSchema.parse(value);
  const { caller, connected, dialplan, channelvars = {} } = channel;
  const linkedId = channelvars["CHANNEL(linkedid)"] ?? channel.id;
  const seconds = Math.max(0, Math.floor((nowEpochMillis - Date.parse(channel.creationtime)) / 1000));
  const two = (number: number) => String(number).padStart(2, "0");
  const duration = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return Object.entries({
    Channel: channel.name,
    ChannelState: CHANNEL_STATES[channel.state] ?? 0,
    ChannelStateDesc: channel.state,
    CallerIDNum: caller.number || "<unknown>",
    CallerIDName: caller.name.replace(/["'\\]/g, "\\$&") || "<unknown>",
    ConnectedLineNum: connected.number || "<unknown>",
    ConnectedLineName: connected.name.replace(/["'\\]/g, "\\$&") || "<unknown>",
    Language: channel.language,
    AccountCode: channel.accountcode,
    Context: dialplan.context,
    Exten: dialplan.exten,
    Priority: dialplan.priority,
    Uniqueid: channel.id,
    Linkedid: linkedId,
    Application: dialplan.app_name,
    ApplicationData: dialplan.app_data,
    Duration: duration,
    BridgeId: "",
  })
    .map(([name, text]) => `${name}: ${text}\r\n`)
    .join("");
}

/** Fields as in main/manager_bridges.c. */
function bridgeLines(value: unknown): string {
  const bridge = bridgeSchema.parse(value);
  return Object.entries({
    BridgeUniqueid: bridge.id,
    BridgeType: bridge.bridge_class,
    BridgeTechnology: bridge.technology,
    BridgeCreator: bridge.creator || "<unknown>",
    BridgeName: bridge.name || "<unknown>",
    BridgeNumChannels: bridge.channels.length,
    BridgeVideoSourceMode: bridge.video_mode ?? "none",
  })
    .map(([name, text]) => `${name}: ${text}\r\n`)
    .join("");
}
