import type { AmiField } from "./amiMessage.ts";
import type { ChannelBlock, Convert } from "./conversion.ts";
import { type JsonObject, objectIn, textIn } from "./json.ts";
import { bridgeFields } from "./snapshots.ts";

/** Asterisk: main/stasis_bridges.c, `blind_transfer_to_ami`. */
const blindTransfer: Convert = (event, channelBlock) => {
  const transferer = channelBlock(objectIn(event, "channel"), "Transferer");
  if (transferer === undefined) return undefined;
  return {
    name: "BlindTransfer",
    eventClass: "call",
    fields: [
      ["Result", textIn(event, "result") ?? ""],
      ...transferer,
      ...(channelBlock(objectIn(event, "transferee"), "Transferee") ?? []),
      ...(bridgeFields(objectIn(event, "bridge")) ?? []),
      ["IsExternal", yesOrNo(event.is_external)],
      ["Context", textIn(event, "context") ?? ""],
      ["Extension", textIn(event, "exten") ?? ""],
    ],
  };
};

/** Asterisk: main/stasis_bridges.c, `attended_transfer_to_ami`. */
const attendedTransfer: Convert = (event, channelBlock) => {
  const first = channelBlock(objectIn(event, "transferer_first_leg"), "OrigTransferer");
  const second = channelBlock(objectIn(event, "transferer_second_leg"), "SecondTransferer");
  const destination = destinationFields(event, channelBlock);
  if (first === undefined || second === undefined || destination === undefined) return undefined;
  return {
    name: "AttendedTransfer",
    eventClass: "call",
    fields: [
      ["Result", textIn(event, "result") ?? ""],
      ...first,
      ...(bridgeFields(objectIn(event, "transferer_first_leg_bridge"), "Orig") ?? []),
      ...second,
      ...(bridgeFields(objectIn(event, "transferer_second_leg_bridge"), "Second") ?? []),
      ...(channelBlock(objectIn(event, "transferee"), "Transferee") ?? []),
      ...(channelBlock(objectIn(event, "transfer_target"), "TransferTarget") ?? []),
      ["IsExternal", yesOrNo(event.is_external)],
      ...destination,
    ],
  };
};

function destinationFields(event: JsonObject, channelBlock: ChannelBlock): readonly AmiField[] | undefined {
  switch (textIn(event, "destination_type")) {
    case "bridge":
      return [
        ["DestType", "Bridge"],
        ["DestBridgeUniqueid", textIn(event, "destination_bridge") ?? ""],
      ];
    case "application":
      return [
        ["DestType", "App"],
        ["DestApp", textIn(event, "destination_application") ?? ""],
      ];
    case "link": {
      const one = channelBlock(objectIn(event, "destination_link_first_leg"), "LocalOne");
      const two = channelBlock(objectIn(event, "destination_link_second_leg"), "LocalTwo");
      return one && two && [["DestType", "Link"], ...one, ...two];
    }
    case "threeway":
      return [
        ["DestType", "Threeway"],
        ["DestBridgeUniqueid", textIn(objectIn(event, "destination_threeway_bridge"), "id") ?? ""],
        ["DestTransfererChannel", textIn(objectIn(event, "destination_threeway_channel"), "name") ?? ""],
      ];
    case "fail":
      return [["DestType", "Fail"]];
    default:
      return [];
  }
}

function yesOrNo(value: unknown): string {
  return value === true ? "Yes" : "No";
}

export const transferConversions: readonly (readonly [type: string, convert: Convert])[] = [
  ["BridgeBlindTransfer", blindTransfer],
  ["BridgeAttendedTransfer", attendedTransfer],
];
