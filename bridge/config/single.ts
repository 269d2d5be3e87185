import { ConfigError } from "../bridgeError.ts";
import { checked } from "./readConfig.ts";
import type { Config } from "./schema.ts";
import type { Environment } from "./secrets.ts";

/**
 * One PBX without a file: each setting is a flag or a variable. Secrets are variables only, because everyone on the
 * machine can read the flags of a process.
 */
export const SINGLE_SETTINGS = {
  relay: { variable: "BRIDGE_RELAY_URL", flag: "--relay <url>", help: "the relay's address" },
  feed: { variable: "BRIDGE_FEED", flag: "--feed <name>", help: "the feed that the events go to" },
  ari: {
    variable: "BRIDGE_ARI_URL",
    flag: "--ari <url>",
    help: "Asterisk's web server: http://127.0.0.1:8088",
  },
  ariUser: { variable: "BRIDGE_ARI_USER", flag: "--ari-user <name>", help: "the user in ari.conf" },
  ami: { variable: "BRIDGE_AMI", flag: "--ami <host:port>", help: "Asterisk's Manager: 127.0.0.1:5038" },
  amiUser: { variable: "BRIDGE_AMI_USER", flag: "--ami-user <name>", help: "the user in manager.conf" },
  spool: {
    variable: "BRIDGE_SPOOL",
    flag: "--spool <directory>",
    help: "where events are kept until the relay has them",
  },
  outside: {
    variable: "BRIDGE_OUTSIDE",
    flag: "--outside <address:port>",
    help: "metrics and readiness (127.0.0.1:9465)",
  },
} as const;

export const SECRET_VARIABLES = {
  relayKey: "BRIDGE_RELAY_KEY",
  ariPassword: "BRIDGE_ARI_PASSWORD",
  amiSecret: "BRIDGE_AMI_SECRET",
} as const;

type Setting = keyof typeof SINGLE_SETTINGS;
export type SingleFlags = Readonly<Partial<Record<Setting, string>>>;

/** A flag wins over its variable. @throws ConfigError that names the flags and variables */
export function singleConfig(flags: SingleFlags, environment: Environment): Config {
  const given = (setting: Setting) =>
    flags[setting] ?? (environment[SINGLE_SETTINGS[setting].variable] || undefined);
  const [ari, ami] = [given("ari"), given("ami")];
  if (ari === undefined && ami === undefined)
    throw new ConfigError([
      { at: "--ari, --ami", message: "needs a PBX: --config FILE, --ari URL, --ami HOST:PORT, or both" },
    ]);
  const value = {
    relay: { url: given("relay"), key: { env: SECRET_VARIABLES.relayKey } },
    spool: { directory: given("spool") },
    outside: given("outside") === undefined ? undefined : { listen: given("outside") },
    pbxs: [
      {
        feed: given("feed"),
        ari:
          ari === undefined
            ? undefined
            : {
                url: ari,
                user: given("ariUser"),
                password: { env: SECRET_VARIABLES.ariPassword },
              },
        ami:
          ami === undefined
            ? undefined
            : {
                ...hostAndPort(ami),
                user: given("amiUser"),
                secret: { env: SECRET_VARIABLES.amiSecret },
              },
      },
    ],
  };
  return checked(value, (path) => placeOf(path.filter((part) => part !== 0).join(".")));
}

function hostAndPort(text: string): { host: string; port?: number } {
  const [, host = text, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  return port === undefined ? { host } : { host, port: Number(port) };
}

const PLACES: Readonly<Record<string, Setting>> = {
  "relay.url": "relay",
  "pbxs.feed": "feed",
  "pbxs.ari.url": "ari",
  "pbxs.ari.user": "ariUser",
  "pbxs.ami.host": "ami",
  "pbxs.ami.port": "ami",
  "pbxs.ami.user": "amiUser",
  "spool.directory": "spool",
  "outside.listen": "outside",
};

/** The flag and the variable of a setting. */
function placeOf(path: string): string {
  const setting = PLACES[path];
  if (setting === undefined) return "the flags";
  const { flag, variable } = SINGLE_SETTINGS[setting];
  return `${flag} (${variable})`;
}
