import { type AmiField, type AmiMessage, MAX_AMI_BYTES, renderAmi } from "./amiMessage.ts";
import { CallMemory, type CallMemoryState } from "./callMemory.ts";
import type { ChannelBlock, Conversion, Convert } from "./conversion.ts";
import { escapeC } from "./escape.ts";
import type { EventClass } from "./eventClass.ts";
import { type JsonObject, objectIn, stringIn, textIn } from "./json.ts";
import { relayConversions, withInference } from "./relayMessages.ts";
import { bridgeFields, channelFields } from "./snapshots.ts";
import { transferConversions } from "./transfers.ts";
import {
  jsonFields,
  MANAGER_KEY_BYTES,
  parseSpelled,
  type SpelledObject,
  spelledObjectIn,
} from "./userEvent.ts";

/** A Stasis event to convert: its type, its parsed JSON, and its JSON text. */
export interface ConvertibleEvent {
  readonly type: string;
  readonly body: JsonObject;
  readonly text: string;
}

/**
 * Converts the events of one feed, in order, as Asterisk's Manager converts the same Stasis messages.
 * A type without a Manager event gives nothing, or with `wrapUnmapped` a UserEvent named `ARI-<type>`.
 */
export class AmiConverter {
  readonly #memory: CallMemory;
  readonly #wrapUnmapped: boolean;
  readonly #channelBlock: ChannelBlock;

  constructor(memory: CallMemoryState, { wrapUnmapped = false } = {}) {
    this.#memory = new CallMemory(memory);
    this.#wrapUnmapped = wrapUnmapped;
    const linkedIdOf = (channel: JsonObject) => this.#memory.linkedIdOf(channel);
    this.#channelBlock = (channel, prefix) => channelFields(channel, linkedIdOf, prefix);
  }

  /** The call memory for the converter of the next events. */
  memory(): CallMemoryState {
    return this.#memory.state();
  }

  /** The message that Manager sends for the event. Converting it again before `passed` gives the same message. */
  convert(event: ConvertibleEvent): AmiMessage | undefined {
    const { type, body } = event;
    this.#memory.learn(type, body);
    const convert = CONVERSIONS.get(type);
    const conversion = convert
      ? convert(body, this.#channelBlock, this.#memory)
      : isUserEvent(type, body)
        ? userEvent(event, this.#channelBlock)
        : this.#wrapUnmapped
          ? wrapped(event, this.#channelBlock)
          : undefined;
    if (conversion === undefined) return undefined;
    const { name, eventClass, fields } = withInference(conversion, body);
    const message = renderAmi(name, [eventClass], fields);
    return Buffer.byteLength(message.text) <= MAX_AMI_BYTES ? message : undefined;
  }

  /** The event will not be converted again: the channel that it destroys may be forgotten. */
  passed({ type, body }: Pick<ConvertibleEvent, "type" | "body">): void {
    this.#memory.forget(type, body);
  }
}

/** An event about one channel: the channel's block, then the event's own fields. */
function aboutChannel(
  name: string | ((event: JsonObject) => string),
  own: (event: JsonObject) => readonly AmiField[] = () => [],
  eventClass: EventClass = "call",
): Convert {
  return (event, channelBlock) => {
    const block = channelBlock(objectIn(event, "channel"));
    if (block === undefined) return undefined;
    return {
      name: typeof name === "string" ? name : name(event),
      eventClass,
      fields: [...block, ...own(event)],
    };
  };
}

function aboutBridge(name: string, own: (event: JsonObject) => readonly AmiField[] = () => []): Convert {
  return (event) => {
    const block = bridgeFields(objectIn(event, "bridge"));
    return block && { name, eventClass: "call", fields: [...block, ...own(event)] };
  };
}

function aboutMembership(name: string): Convert {
  return (event, channelBlock) => {
    const bridge = bridgeFields(objectIn(event, "bridge"));
    const channel = channelBlock(objectIn(event, "channel"));
    return bridge && channel && { name, eventClass: "call", fields: [...bridge, ...channel] };
  };
}

/** For events that Manager sends about live channels only. */
function unlessDestroyed(convert: Convert): Convert {
  return (event, channelBlock, memory) =>
    memory.isDestroyed(objectIn(event, "channel")) ? undefined : convert(event, channelBlock, memory);
}

/** The field, if the event has it. */
function optional(name: string, value: string | undefined): AmiField[] {
  return value === undefined ? [] : [[name, value]];
}

/** In Asterisk's snapshots, zero means no cause. */
function technologyCause(event: JsonObject): AmiField[] {
  const cause = textIn(event, "tech_cause");
  return cause === undefined || cause === "0" ? [] : [["TechCause", cause]];
}

const hangup = aboutChannel("Hangup", (event) => [
  ["Cause", textIn(event, "cause") ?? "0"],
  ["Cause-txt", textIn(event, "cause_txt") ?? ""],
  ...technologyCause(event),
]);

const newExtension = aboutChannel(
  "Newexten",
  (event) => {
    const dialplan = objectIn(objectIn(event, "channel"), "dialplan");
    return [
      ["Extension", textIn(dialplan, "exten") ?? ""],
      ["Application", textIn(event, "dialplan_app") ?? ""],
      ["AppData", textIn(event, "dialplan_app_data") ?? ""],
    ];
  },
  "dialplan",
);

const dial: Convert = (event, channelBlock) => {
  const caller = channelBlock(objectIn(event, "caller")) ?? [];
  const destination = channelBlock(objectIn(event, "peer"), "Dest");
  if (destination === undefined) return undefined;
  const status = textIn(event, "dialstatus") ?? "";
  const channels = [...caller, ...destination];
  if (status === "")
    return {
      name: "DialBegin",
      eventClass: "call",
      fields: [...channels, ["DialString", textIn(event, "dialstring") || "unknown"]],
    };
  const isUnderWay = status === "RINGING" || status === "PROCEEDING" || status === "PROGRESS";
  return {
    name: isUnderWay ? "DialState" : "DialEnd",
    eventClass: "call",
    fields: [
      ...channels,
      ...optional("Forward", textIn(event, "forward") || undefined),
      ["DialStatus", status],
    ],
  };
};

const variableSet: Convert = (event, channelBlock) => {
  const channel = channelBlock(objectIn(event, "channel")) ?? [
    ["Channel", "none"],
    ["Uniqueid", "none"],
  ];
  return {
    name: "VarSet",
    eventClass: "dialplan",
    fields: [
      ...channel,
      ["Variable", textIn(event, "variable") ?? ""],
      ["Value", escapeC(textIn(event, "value") ?? "")],
    ],
  };
};

const bridgesMerged: Convert = (event) => {
  const to = bridgeFields(objectIn(event, "bridge"), "To");
  const from = bridgeFields(objectIn(event, "bridge_from"), "From");
  return to && from && { name: "BridgeMerge", eventClass: "call", fields: [...to, ...from] };
};

const deviceState: Convert = (event) => {
  const state = objectIn(event, "device_state");
  return (
    state && {
      name: "DeviceStateChange",
      eventClass: "call",
      fields: [
        ["Device", textIn(state, "name") ?? ""],
        ["State", textIn(state, "state") ?? ""],
      ],
    }
  );
};

/** Manager sends strings only: chan_iax2 gives port and time as numbers, so only ARI has them. */
const peerStatus: Convert = (event) => {
  const endpoint = objectIn(event, "endpoint");
  const peer = objectIn(event, "peer");
  const status = stringIn(peer, "peer_status");
  if (endpoint === undefined || status === undefined) return undefined;
  const technology = textIn(endpoint, "technology") ?? "";
  return {
    name: "PeerStatus",
    eventClass: "system",
    fields: [
      ["ChannelType", technology],
      ["Peer", `${technology}/${textIn(endpoint, "resource") ?? ""}`],
      ["PeerStatus", status],
      ...optional("Cause", stringIn(peer, "cause")),
      ...optional("Address", stringIn(peer, "address")),
      ...optional("Port", stringIn(peer, "port")),
      ...optional("Time", stringIn(peer, "time")),
    ],
  };
};

const contactStatus: Convert = (event) => {
  const contact = objectIn(event, "contact_info");
  const endpoint = textIn(objectIn(event, "endpoint"), "resource");
  if (contact === undefined || endpoint === undefined) return undefined;
  return {
    name: "ContactStatus",
    eventClass: "system",
    fields: [
      ["URI", textIn(contact, "uri") ?? ""],
      ["ContactStatus", textIn(contact, "contact_status") ?? ""],
      ["AOR", textIn(contact, "aor") ?? ""],
      ["EndpointName", endpoint],
      ...optional("RoundtripUsec", textIn(contact, "roundtrip_usec")),
    ],
  };
};

/**
 * One entry per ARI type that has a Manager event. Sources in Asterisk: main/manager_channels.c,
 * main/manager_bridges.c, main/stasis_channels.c, main/stasis_bridges.c, main/stasis_endpoints.c, main/devicestate.c.
 */
const CONVERSIONS: ReadonlyMap<string, Convert> = new Map<string, Convert>([
  ["ChannelCreated", aboutChannel("Newchannel")],
  ["ChannelStateChange", aboutChannel("Newstate")],
  // ARI still reports changes of a destroyed channel, as hangups and dialplan steps (res/stasis/app.c). Manager does not.
  ["ChannelDestroyed", unlessDestroyed(hangup)],
  ["ChannelDialplan", unlessDestroyed(newExtension)],
  [
    "ChannelCallerId",
    aboutChannel("NewCallerid", (event) => [
      [
        "CID-CallingPres",
        `${textIn(event, "caller_presentation") ?? "0"} (${escapeC(textIn(event, "caller_presentation_txt") ?? "")})`,
      ],
    ]),
  ],
  ["ChannelConnectedLine", aboutChannel("NewConnectedLine")],
  [
    "ChannelHangupRequest",
    aboutChannel(
      (event) => (event.soft === true ? "SoftHangupRequest" : "HangupRequest"),
      (event) => [
        ...optional("Cause", textIn(event, "cause")),
        ...optional("TechCause", textIn(event, "tech_cause")),
      ],
    ),
  ],
  [
    "ChannelDtmfReceived",
    aboutChannel(
      "DTMFEnd",
      (event) => [
        ["Digit", textIn(event, "digit") ?? ""],
        ["DurationMs", textIn(event, "duration_ms") ?? "0"],
        ["Direction", "Received"],
      ],
      "dtmf",
    ),
  ],
  [
    "ChannelHold",
    // Where ARI sends N/A, Manager omits the class.
    aboutChannel("Hold", (event) => {
      const musicClass = textIn(event, "musicclass");
      return musicClass && musicClass !== "N/A" ? [["MusicClass", musicClass]] : [];
    }),
  ],
  ["ChannelUnhold", aboutChannel("Unhold")],
  ["ChannelTalkingStarted", aboutChannel("ChannelTalkingStart")],
  [
    "ChannelTalkingFinished",
    aboutChannel("ChannelTalkingStop", (event) => [["Duration", textIn(event, "duration") ?? "0"]]),
  ],
  ["ChannelVarset", variableSet],
  ["Dial", dial],
  ["BridgeCreated", aboutBridge("BridgeCreate")],
  ["BridgeDestroyed", aboutBridge("BridgeDestroy")],
  ["ChannelEnteredBridge", aboutMembership("BridgeEnter")],
  ["ChannelLeftBridge", aboutMembership("BridgeLeave")],
  ["BridgeMerged", bridgesMerged],
  [
    "BridgeVideoSourceChanged",
    aboutBridge("BridgeVideoSourceUpdate", (event) => [
      ["BridgePreviousVideoSource", textIn(event, "old_video_source_id") ?? ""],
    ]),
  ],
  ...transferConversions,
  ["DeviceStateChanged", deviceState],
  ["PeerStatusChange", peerStatus],
  ["ContactStatusChange", contactStatus],
  ...relayConversions,
]);

/** Manager gets a user event only when it is about a channel. Asterisk: res/res_stasis.c, `stasis_app_user_event`. */
function isUserEvent(type: string, event: JsonObject): boolean {
  return type === "ChannelUserevent" && objectIn(event, "channel") !== undefined;
}

/** This key becomes the UserEvent header, not a field. */
const EVENT_NAME_KEY = new Set(["eventname"]);

/** Asterisk: main/stasis.c, `multi_user_event_to_ami`. ARI shows only the last of several channels. */
function userEvent({ body, text }: ConvertibleEvent, channelBlock: ChannelBlock): Conversion | undefined {
  const spelled = parseSpelled(text);
  const own = jsonFields(spelledObjectIn(spelled, "userevent") ?? new Map(), EVENT_NAME_KEY, {
    maxBytes: MAX_AMI_BYTES,
    nestedKeyBytes: MANAGER_KEY_BYTES,
  });
  if (spelled === undefined || own === undefined) return undefined;
  return {
    name: "UserEvent",
    eventClass: "user",
    fields: [
      ...(channelBlock(objectIn(body, "channel")) ?? []),
      ...(bridgeFields(objectIn(body, "bridge")) ?? []),
      ["UserEvent", textIn(body, "eventname") ?? ""],
      ...own,
    ],
  };
}

const WRAPPED_AS_BLOCKS = new Set(["type", "channel", "bridge"]);

/** An event that Manager does not know, in the form of a user event. */
function wrapped({ type, body, text }: ConvertibleEvent, channelBlock: ChannelBlock): Conversion | undefined {
  const spelled = parseSpelled(text);
  const own = spelled && jsonFields(withoutBlocks(spelled), new Set(), { maxBytes: MAX_AMI_BYTES });
  if (own === undefined) return undefined;
  const blocks: AmiField[] = [
    ...(channelBlock(objectIn(body, "channel")) ?? []),
    ...(bridgeFields(objectIn(body, "bridge")) ?? []),
    ["UserEvent", `ARI-${type}`],
  ];
  return { name: "UserEvent", eventClass: "user", fields: [...blocks, ...withNamesOfTheirOwn(own, blocks)] };
}

/**
 * No two fields of one name, whatever the JSON's keys are: most clients keep the last one, which could be another `Event`
 * or `Uniqueid`. Clients compare names without regard to case, and a name ends at its first colon.
 */
function withNamesOfTheirOwn(own: readonly AmiField[], before: readonly AmiField[]): AmiField[] {
  // How often each name was wanted.
  const wanted = new Map(
    ["Event", "Privilege", ...before.map(([name]) => name)].map((name) => [name.toLowerCase(), 1]),
  );
  return own.map(([key, value]) => {
    const name = key.replace(NO_NAME, "_") || "_";
    let free = name;
    while (wanted.has(free.toLowerCase())) {
      const times = (wanted.get(name.toLowerCase()) ?? 0) + 1;
      wanted.set(name.toLowerCase(), times);
      free = times === 2 ? `event/${name}` : `event${times}/${name}`;
    }
    wanted.set(free.toLowerCase(), 1);
    return [free, value];
  });
}

const NO_NAME = /[:\r\n\0]/g;

function withoutBlocks(event: SpelledObject): SpelledObject {
  return new Map([...event].filter(([key]) => !WRAPPED_AS_BLOCKS.has(key)));
}
