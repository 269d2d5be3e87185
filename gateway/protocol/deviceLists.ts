import type { Answer } from "./action.ts";
import { failure, list, response } from "./answers.ts";
import { headerOf } from "./request.ts";

/** Asterisk: res/res_manager_devicestate.c. */
export const deviceStateList: Answer = (request, { state }) =>
  list(request, "Device State Changes will follow", "DeviceStateListComplete", {
    items: [...state.deviceStates.values()].map((each) => ({
      event: "DeviceStateChange",
      fields: [
        ["Device", each.device],
        ["State", each.state],
      ],
    })),
  });

/** Asterisk: res/res_manager_presencestate.c. No feed tells presence states in a way that a list could show. */
export const presenceStateList: Answer = (request) =>
  list(request, "Presence State Changes will follow", "PresenceStateListComplete", { items: [] });

/** Asterisk: main/manager.c, `action_extensionstate`. An extension without a known hint has the status -1. */
export const extensionState: Answer = (request, { state }) => {
  const extension = headerOf(request, "Exten");
  if (extension === "") return failure(request, "Extension not specified");
  const context = headerOf(request, "Context") || "default";
  const known = state.extensions.get(`${extension}@${context}`);
  return response("Success", request, [
    ["Message", "Extension Status"],
    ["Exten", extension],
    ["Context", context],
    ["Hint", known?.hint ?? ""],
    ["Status", known?.status ?? -1],
    ["StatusText", known?.statusText ?? "Unknown"],
  ]);
};

/** Asterisk: main/extension_state.c. */
export const extensionStateList: Answer = (request, { state }) =>
  list(request, "Extension Statuses will follow", "ExtensionStateListComplete", {
    items: [...state.extensions.values()].map((each) => ({
      event: "ExtensionStatus",
      fields: [
        ["Exten", each.extension],
        ["Context", each.context],
        ["Hint", each.hint],
        ["Status", each.status],
        ["StatusText", each.statusText],
      ],
    })),
  });

/** ARI's word for an endpoint's state, as Manager says the device's. */
const DEVICE_STATES: Readonly<Record<string, string>> = {
  online: "Not in use",
  offline: "Unavailable",
};

/** Asterisk: res/res_pjsip/pjsip_configuration.c, `ami_show_endpoints`. Only ARI's part of an endpoint is known. */
export const pjsipShowEndpoints: Answer = (request, { state }) => {
  const endpoints = [...state.endpoints.values()].filter(({ technology }) => technology === "PJSIP");
  if (endpoints.length === 0) return failure(request, "No endpoints found");
  const channelNames = [...state.channels.values()].map(({ name }) => name);
  const contacts = [...state.contacts.values()];
  return list(
    request,
    "A listing of Endpoints follows, presented as EndpointList events",
    "EndpointListComplete",
    {
      items: endpoints.map(({ resource, state: word }) => ({
        event: "EndpointList",
        fields: [
          ["ObjectType", "endpoint"],
          ["ObjectName", resource],
          ["Transport", ""],
          ["Aor", resource],
          ["Auths", ""],
          ["OutboundAuths", ""],
          [
            "Contacts",
            contacts
              .flatMap(({ endpoint, aor, uri }) => (endpoint === resource ? `${aor}/${uri},` : []))
              .join(""),
          ],
          ["DeviceState", DEVICE_STATES[word] ?? "Invalid"],
          ["ActiveChannels", channelNames.filter((name) => name.startsWith(`PJSIP/${resource}-`)).length],
        ],
      })),
    },
  );
};

/** Asterisk: res/res_pjsip/pjsip_options.c, `ami_show_contacts`. */
export const pjsipShowContacts: Answer = (request, { state }) => {
  if (state.contacts.size === 0) return failure(request, "No Contacts found");
  return list(
    request,
    "A listing of Contacts follows, presented as ContactList events",
    "ContactListComplete",
    {
      items: [...state.contacts.values()].map((each) => ({
        event: "ContactList",
        fields: [
          ["ObjectType", "contact"],
          ["ObjectName", `${each.aor};@${each.uri}`],
          ["Uri", each.uri],
          ["Aor", each.aor],
          ["Endpoint", each.endpoint],
          ["Status", each.status],
          ["RoundtripUsec", each.roundtripMicros || "N/A"],
        ],
      })),
    },
  );
};

/** Asterisk: res/res_pjsip/location.c, `ami_show_aors`. */
export const pjsipShowAors: Answer = (request, { state }) => {
  const aors = [...new Set([...state.contacts.values()].map(({ aor }) => aor))];
  if (aors.length === 0) return failure(request, "No AORs found");
  return list(request, "A listing of AORs follows, presented as AorList events", "AorListComplete", {
    items: aors.map((aor) => ({
      event: "AorList",
      fields: [
        ["ObjectType", "aor"],
        ["ObjectName", aor],
        [
          "Contacts",
          [...state.contacts.values()]
            .flatMap((each) => (each.aor === aor ? `${aor}/${each.uri}` : []))
            .join(","),
        ],
      ],
    })),
  });
};

/** Asterisk: res/res_pjsip_outbound_registration.c. */
export const pjsipShowRegistrationsOutbound: Answer = (request) =>
  list(request, "Following are Events for each Outbound registration", "OutboundRegistrationDetailComplete", {
    items: [],
    last: [
      ["Registered", 0],
      ["NotRegistered", 0],
    ],
  });
