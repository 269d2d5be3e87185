import { BoundedMap } from "./boundedMap.ts";
import type { EventFields } from "./eventFields.ts";
import type { TrackedContact, TrackedDevice, TrackedEndpoint, TrackedExtension } from "./trackedState.ts";

const MOST_DEVICES = 20_000;

/** PeerStatus's words, in ARI's for the state of an endpoint. */
const ENDPOINT_STATES: Readonly<Record<string, string>> = {
  Reachable: "online",
  Registered: "online",
  Unreachable: "offline",
  Unregistered: "offline",
  Rejected: "offline",
};

/** Device states, endpoints, contacts and hints. */
export class DeviceTracker {
  readonly deviceStates = new BoundedMap<TrackedDevice>(MOST_DEVICES);
  readonly endpoints = new BoundedMap<TrackedEndpoint>(MOST_DEVICES);
  readonly contacts = new BoundedMap<TrackedContact>(MOST_DEVICES);
  readonly extensions = new BoundedMap<TrackedExtension>(MOST_DEVICES);

  /** Takes an event; false when it is about something else. */
  apply(name: string, fields: EventFields): boolean {
    switch (name) {
      case "DeviceStateChange": {
        const device = fields.get("Device");
        if (device !== "") this.deviceStates.set(device, { device, state: fields.get("State") });
        return true;
      }
      case "PeerStatus":
        this.#changeEndpoint(fields.get("Peer"), ENDPOINT_STATES[fields.get("PeerStatus")]);
        return true;
      case "ContactStatus":
        this.#changeContact(fields);
        return true;
      case "ExtensionStatus": {
        const [extension, context] = [fields.get("Exten"), fields.get("Context")];
        this.extensions.set(`${extension}@${context}`, {
          extension,
          context,
          hint: fields.get("Hint"),
          status: fields.get("Status"),
          statusText: fields.get("StatusText"),
        });
        return true;
      }
      default:
        return false;
    }
  }

  #changeEndpoint(peer: string, state: string | undefined): void {
    const slash = peer.indexOf("/");
    if (slash <= 0 || state === undefined) return;
    this.endpoints.set(peer, { technology: peer.slice(0, slash), resource: peer.slice(slash + 1), state });
  }

  #changeContact(fields: EventFields): void {
    const [uri, aor, status] = [fields.get("URI"), fields.get("AOR"), fields.get("ContactStatus")];
    const key = `${aor} ${uri}`;
    if (status === "Removed") this.contacts.delete(key);
    else {
      const [endpoint, roundtripMicros] = [fields.get("EndpointName"), fields.get("RoundtripUsec")];
      this.contacts.set(key, { uri, aor, status, endpoint, roundtripMicros });
    }
  }
}
