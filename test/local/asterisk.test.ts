import { describe, expect, it } from "vitest";
import type { StasisMessage } from "../../client/index.ts";
import { asteriskOf } from "../../local/asterisk/address.ts";
import { callLine } from "../../local/asterisk/callLines.ts";

describe("--asterisk", () => {
  it("is Asterisk's web server with a user and a password, which do not stay in the address", () => {
    expect(asteriskOf("http://relay:p%40ss@10.0.0.1:8088", "pbx-1")).toEqual({
      url: "http://10.0.0.1:8088/",
      username: "relay",
      password: "p@ss",
      app: "stasis-relay-local-pbx-1",
    });
  });

  it.each(["10.0.0.1:8088", "ami://u:p@h", "http://10.0.0.1:8088", "http://relay@10.0.0.1"])(
    "that is %s is explained",
    (address) => {
      expect(() => asteriskOf(address, "pbx-1")).toThrow(
        /^--asterisk: .*http:\/\/USER:PASSWORD@127\.0\.0\.1:8088$/,
      );
    },
  );
});

describe("a line about a call", () => {
  const line = (type: string, event: Record<string, unknown>) =>
    callLine({ sequence: 1, type, timestamp: "2026-11-27T08:00:24.396+0000", event } as StasisMessage);
  const channel = {
    name: "PJSIP/alice-1",
    state: "Up",
    caller: { number: "1001" },
    dialplan: { exten: "200" },
  };

  it.each([
    ["ChannelCreated", { channel }, "08:00:24 new call    PJSIP/alice-1  1001 → 200"],
    ["ChannelCreated", { channel: { name: "x" } }, "08:00:24 new call    x  unknown → ?"],
    ["ChannelStateChange", { channel }, "08:00:24 answered    PJSIP/alice-1"],
    ["ChannelStateChange", { channel: { ...channel, state: "Ring" } }, undefined],
    [
      "ChannelDestroyed",
      { channel, cause_txt: "User busy" },
      "08:00:24 ended       PJSIP/alice-1  User busy",
    ],
    [
      "ChannelDestroyed",
      { channel, cause_txt: "Unknown", relay: { inferred: true } },
      "08:00:24 ended       PJSIP/alice-1  Unknown  (nobody saw it)",
    ],
    [
      "RelayGap",
      { reason: "link", from: "A", to: "B" },
      "08:00:24 GAP         link: events from A to B may be missing",
    ],
    ["RelaySnapshot", { item: "channel" }, undefined],
    [
      "RelaySnapshot",
      { item: "end", counts: { channels: 2, bridges: 1 } },
      "08:00:24 snapshot    channels 2, bridges 1",
    ],
    ["ChannelVarset", { channel }, undefined],
    ["ChannelCreated", {}, "08:00:24 new call      unknown → ?"],
  ])("of the type %s with %j is %s", (type, event, expected) => {
    expect(line(type, event)).toBe(expected);
  });
});
