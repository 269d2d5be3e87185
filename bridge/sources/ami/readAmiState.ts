import type { PbxIdentity, PbxObject, PbxState } from "../../source.ts";
import { SourceError } from "../sourceError.ts";
import { type AmiActions, type AmiAnswer, isSuccess } from "./amiActions.ts";
import { localOffsetMinutes, type StartClues, startedAt } from "./amiEpoch.ts";
import { type AmiPeer, amiActionLoss } from "./amiFailure.ts";
import { bridgeOf, channelOf, deviceStateOf, endpointOf } from "./amiState.ts";

/** Bridges that are asked for their channels at a time. */
const BRIDGES_AT_A_TIME = 50;

/** A Manager that can be asked. */
export interface Manager {
  readonly actions: AmiActions;
  readonly peer: AmiPeer;
  /** What it told about its clock when the bridge logged in. */
  readonly clock: Pick<StartClues, "uptimeSeconds" | "pbxEpochMillis">;
}

/** @throws SourceError when the user may not ask */
export async function readAmiIdentity(manager: Manager, signal: AbortSignal): Promise<PbxIdentity> {
  const [settings, { response }] = await Promise.all([
    manager.actions.send("CoreSettings", {}, signal),
    ask(manager, "CoreStatus", {}, signal),
  ]);
  const startupDate = response.get("CoreStartupDate");
  const startupTime = response.get("CoreStartupTime");
  const startedAtEpochMillis = startedAt({
    startupDate,
    startupTime,
    ...manager.clock,
    localOffsetMinutes: localOffsetMinutes(startupDate, startupTime),
  });
  if (startedAtEpochMillis === undefined)
    throw new SourceError({ code: "protocol", message: "Manager's CoreStatus does not say when it started" });
  return {
    startedAtEpochMillis,
    version: settings.response.get("AsteriskVersion") || undefined,
    systemName: settings.response.get("SystemName") || undefined,
    entityId: undefined,
  };
}

/**
 * What the PBX has now, in ARI's shapes. Endpoints and device states stay empty when Manager refuses them: their modules
 * (res_pjsip.so, res_manager_devicestate.so) may be missing. Channels and bridges must be told, because what is missing
 * from them is taken as ended.
 * @throws SourceError
 */
export async function readAmiState(
  manager: Manager,
  signal: AbortSignal,
  now: () => number,
): Promise<PbxState> {
  const pbx = await readAmiIdentity(manager, signal);
  const takenAtEpochMillis = now();
  const [channels, bridges, endpoints, deviceStates] = await Promise.all([
    ask(manager, "CoreShowChannels", {}, signal),
    ask(manager, "BridgeList", {}, signal),
    manager.actions.send("PJSIPShowEndpoints", {}, signal),
    manager.actions.send("DeviceStateList", {}, signal),
  ]);
  return {
    pbx,
    takenAtEpochMillis,
    channels: channels.items.map((item) => channelOf(item, takenAtEpochMillis)),
    bridges: await withChannels(manager, bridges, signal),
    endpoints: endpoints.items.map(endpointOf),
    deviceStates: deviceStates.items.map(deviceStateOf),
  };
}

async function withChannels(manager: Manager, list: AmiAnswer, signal: AbortSignal): Promise<PbxObject[]> {
  const bridges: PbxObject[] = [];
  for (let from = 0; from < list.items.length; from += BRIDGES_AT_A_TIME) {
    const items = list.items.slice(from, from + BRIDGES_AT_A_TIME);
    const told = items.map(async (item) => {
      const BridgeUniqueid = item.get("BridgeUniqueid");
      const answer = await manager.actions.send("BridgeInfo", { BridgeUniqueid }, signal);
      // It ended since it was listed.
      if (!isSuccess(answer)) return [];
      return [
        bridgeOf(
          item,
          answer.items.map((channel) => channel.get("Uniqueid")),
        ),
      ];
    });
    bridges.push(...(await Promise.all(told)).flat());
  }
  return bridges;
}

/** @throws SourceError when Manager refuses */
async function ask(
  { actions, peer }: Manager,
  action: string,
  fields: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AmiAnswer> {
  const answer = await actions.send(action, fields, signal);
  if (!isSuccess(answer))
    throw new SourceError(amiActionLoss(action, answer.response.get("Message").trim(), peer));
  return answer;
}
