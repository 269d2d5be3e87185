import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../bridge/bridgeError.ts";
import { MAX_CONFIG_CHARACTERS, readConfig } from "../../../bridge/config/readConfig.ts";

const GOOD = `relay:
  url: https://relay.example.com
  key: { credential: relay-key }
spool:
  directory: /var/lib/stasis-relay-bridge
pbxs:
  - feed: pbx-1
    ari:
      url: http://127.0.0.1:8088
      user: relay
      password: { file: /etc/stasis-relay-bridge/ari }
`;

/** What a person is told, line by line. */
function mistakesIn(text: string): string[] {
  try {
    readConfig(text, "bridge.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("bridge.yaml", () => {
  it("needs only the relay, a directory and a PBX; the rest has defaults", () => {
    expect(readConfig(GOOD, "bridge.yaml")).toMatchObject({
      spool: { maxBytes: 2 * 2 ** 30, maxAge: 7 * 86_400_000, whenFull: "drop-oldest" },
      outside: { listen: { host: "127.0.0.1", port: 9465 } },
      pbxs: [{ feed: "pbx-1", ari: { user: "relay" } }],
    });
  });

  it("reads amounts and times with their units", () => {
    const text = GOOD.replace("directory:", "maxBytes: 1.5 GiB\n  maxAge: 36h\n  directory:");
    expect(readConfig(text, "b").spool).toMatchObject({ maxBytes: 1_610_612_736, maxAge: 129_600_000 });
  });

  it.each([
    [
      "an empty file",
      "",
      [
        "bridge.yaml:1: relay is missing",
        "bridge.yaml:1: spool is missing",
        "bridge.yaml:1: pbxs is missing",
      ],
    ],
    [
      "a setting that is spelt wrongly",
      GOOD.replace("directory:", "maxByte: 1GB\n  directory:"),
      ["bridge.yaml:5: spool.maxByte is not a setting"],
    ],
    ["a key twice", `${GOOD}relay: {}\n`, ["bridge.yaml:12: Map keys must be unique"]],
    [
      "a size without a unit",
      GOOD.replace("directory:", "maxBytes: 5000\n  directory:"),
      ["bridge.yaml:5: spool.maxBytes must be an amount of bytes, such as 2GiB"],
    ],
    [
      "a time that is none",
      GOOD.replace("directory:", "maxAge: soon\n  directory:"),
      ['bridge.yaml:5: spool.maxAge must be a time, such as 7d or 12h; "soon" is not'],
    ],
    [
      "a password in the file",
      GOOD.replace("{ file: /etc/stasis-relay-bridge/ari }", "hunter2"),
      [
        "bridge.yaml:11: pbxs[0].ari.password must say where the secret is: { env: NAME }, { file: PATH } or { credential: NAME }",
      ],
    ],
    [
      "two places for a secret",
      GOOD.replace("{ credential: relay-key }", "{ credential: a, env: B }"),
      ["bridge.yaml:3: relay.key must have exactly one of env, file and credential"],
    ],
    [
      "a password in an address",
      GOOD.replace("http://127", "http://u:p@127"),
      [
        "bridge.yaml:9: pbxs[0].ari.url must be an address that begins with http:// or https://, without a user or password in it",
      ],
    ],
    [
      "a feed that no relay takes",
      GOOD.replace("pbx-1", '"pbx 1"'),
      ["bridge.yaml:7: pbxs[0].feed must be 1 to 64 letters, digits, dots, hyphens or underscores"],
    ],
    [
      "a PBX without a source",
      `${GOOD}  - feed: pbx-2\n`,
      [
        "bridge.yaml:12: pbxs[1] needs a source: ari, ariOutbound or ami; ami beside one of the others brings what ARI has not",
      ],
    ],
    [
      "two PBXs in one feed",
      `${GOOD}  - { feed: pbx-1, ami: { host: h, user: u, secret: { env: A } } }\n`,
      ["bridge.yaml:12: pbxs[1].feed two PBXs have the feed pbx-1; each needs one of its own"],
    ],
    [
      "an Asterisk that dials nobody",
      `${GOOD}  - { feed: pbx-2, ariOutbound: { user: u, password: { env: A }, path: /a } }\n`,
      ["bridge.yaml:12: pbxs[1].ariOutbound needs listen: the address at which Asterisk dials in"],
    ],
    [
      "a list of PBXs that is none",
      GOOD.replace(/pbxs:.*/s, "pbxs: 3\n"),
      ["bridge.yaml:6: pbxs must be a list"],
    ],
  ])("with %s is refused, and the line is named", (_what, text, mistakes) => {
    expect(mistakesIn(text)).toEqual(mistakes);
  });

  it("never repeats a secret that was written into it", () => {
    const text = GOOD.replace("{ credential: relay-key }", "{ env: A, key: hunter2 }").replace(
      "{ file: /etc/stasis-relay-bridge/ari }",
      "hunter2",
    );
    expect(mistakesIn(text)).toHaveLength(2);
    expect(mistakesIn(text).join()).not.toContain("hunter2");
  });

  it("is refused when it is far too large, or grows by aliases", () => {
    expect(mistakesIn("#".repeat(MAX_CONFIG_CHARACTERS + 1))).toHaveLength(1);
    const levels = Array.from(
      { length: 9 },
      (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(",")}]`,
    );
    expect(() => readConfig(`a0: &a0 [x]\n${levels.join("\n")}\n`, "b")).toThrow(ConfigError);
  });
});
