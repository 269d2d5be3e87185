import type { Answer } from "./action.ts";
import { failure, response } from "./answers.ts";
import { amiVersionOf } from "./pbx.ts";
import { bytesOfText, headerOf } from "./request.ts";

/** Asterisk: main/manager.c, `action_ping`. */
export const ping: Answer = (request, { nowEpochMicros }) => {
  const digits = String(Math.floor(nowEpochMicros)).padStart(7, "0");
  return response("Success", request, [
    ["Ping", "Pong"],
    ["Timestamp", `${digits.slice(0, -6)}.${digits.slice(-6)}`],
  ]);
};

/** Asterisk: main/manager.c, `action_coresettings`. */
export const coreSettings: Answer = (request, { pbx }) =>
  response("Success", request, [
    ["AMIversion", amiVersionOf(pbx.version)],
    ["AsteriskVersion", pbx.version],
    ["SystemName", bytesOfText(pbx.systemName)],
    ["CoreMaxCalls", 0],
    ["CoreMaxLoadAvg", "0.000000"],
    ["CoreRunUser", ""],
    ["CoreRunGroup", ""],
    ["CoreMaxFilehandles", 0],
    ["CoreRealTimeEnabled", "No"],
    ["CoreCDRenabled", "Yes"],
    ["CoreHTTPenabled", "Yes"],
    ["SoundsSearchCustomDir", "No"],
  ]);

/** Asterisk: main/manager.c, `action_corestatus`. Times are UTC. */
export const coreStatus: Answer = (request, { pbx, state }) => {
  const [date = "", time = ""] = new Date(pbx.startedAtEpochMillis).toISOString().slice(0, 19).split("T");
  return response("Success", request, [
    ["CoreStartupDate", date],
    ["CoreStartupTime", time],
    ["CoreReloadDate", date],
    ["CoreReloadTime", time],
    ["CoreCurrentCalls", state.channels.size],
    ["CoreProcessedCalls", state.channelsSeen],
  ]);
};

/**
 * The one command that clients send to learn the version. All others are answered as a PBX answers unknown ones.
 * Asterisk: main/manager.c, `action_command`; main/asterisk.c, `handle_version`.
 */
export const command: Answer = (request, { pbx }) => {
  const text = headerOf(request, "Command").trim();
  if (text === "") return failure(request, "No command provided");
  const isVersion = /^core +show +version$/i.test(text);
  const started = new Date(pbx.startedAtEpochMillis).toISOString().slice(0, 19).replace("T", " ");
  return response(isVersion ? "Success" : "Error", request, [
    ["Message", "Command output follows"],
    [
      "Output",
      isVersion
        ? `Asterisk ${pbx.version} built by stasis-relay @ stasis-relay on a x86_64 running Linux on ${started} UTC`
        : `No such command '${text}' (type 'core show help ${text}' for other possible commands)`,
    ],
  ]);
};
