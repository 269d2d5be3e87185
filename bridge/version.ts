import packageJson from "../package.json" with { type: "json" };

export const VERSION = packageJson.version;

/** What the bridge calls itself in requests to the relay. */
export const USER_AGENT = `stasis-relay-bridge/${VERSION}`;
